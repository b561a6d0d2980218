/// What becomes of the matches when a piece is split; the names are those of `tokenizer.json`.
enum SplitBehavior: String {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"

    init(_ field: JSONField) throws(TokenizerError) {
        guard let behavior = SplitBehavior(rawValue: try field.text()) else {
            throw field.unsupported(
                quoted(try field.bytes()),
                supported: "Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous"
            )
        }
        self = behavior
    }
}

/// Collects the parts of one piece, joining neighbours as the behaviour asks.
struct SplitParts {
    let behavior: SplitBehavior
    /// Whether the part before was a match; nil at the start of the piece.
    private var previousMatched: Bool?
    /// For `mergedWithNext`: the start of a match that waits for what follows it.
    private var pendingStart: Int?
    private var pendingEnd = 0

    init(behavior: SplitBehavior) {
        self.behavior = behavior
    }

    mutating func append(_ part: Range<Int>, isMatch: Bool, to result: inout [Range<Int>]) {
        switch behavior {
        case .isolated:
            result.append(part)
        case .removed:
            if !isMatch { result.append(part) }
        case .contiguous:
            join(part, when: previousMatched == isMatch, &result)
        case .mergedWithPrevious:
            // A match that follows another match stands alone.
            join(part, when: isMatch && previousMatched == false, &result)
        case .mergedWithNext:
            appendMergingForward(part, isMatch: isMatch, &result)
        }
        previousMatched = isMatch
    }

    /// Must be called after the last part of a piece.
    mutating func finish(_ result: inout [Range<Int>]) {
        if let start = pendingStart { result.append(start..<pendingEnd) }
        pendingStart = nil
    }

    private func join(_ part: Range<Int>, when joins: Bool, _ result: inout [Range<Int>]) {
        if joins, let last = result.last {
            result[result.count - 1] = last.lowerBound..<part.upperBound
        } else {
            result.append(part)
        }
    }

    private mutating func appendMergingForward(_ part: Range<Int>, isMatch: Bool, _ result: inout [Range<Int>]) {
        if isMatch {
            finish(&result)
            pendingStart = part.lowerBound
            pendingEnd = part.upperBound
        } else {
            result.append((pendingStart ?? part.lowerBound)..<part.upperBound)
            pendingStart = nil
        }
    }
}
