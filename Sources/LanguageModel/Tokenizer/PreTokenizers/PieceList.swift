/// A stretch of text cut into pieces: what pre-tokenizers pass along and the model turns into tokens.
struct PieceList {
    /// Valid UTF-8.
    var bytes: [UInt8]
    /// The pieces in order, none empty. Bytes between them are dropped.
    var ranges: [Range<Int>]
    /// Whether `bytes` starts where the whole input starts, rather than after an added token.
    let startsInput: Bool

    init(_ bytes: [UInt8], startsInput: Bool) {
        self.bytes = bytes
        ranges = bytes.isEmpty ? [] : [0..<bytes.count]
        self.startsInput = startsInput
    }

    /// Cuts every piece where `splitter` says.
    mutating func split(_ splitter: some Splitter, _ behavior: SplitBehavior, inverted: Bool = false) {
        var result: [Range<Int>] = []
        result.reserveCapacity(bytes.count / 4)
        let source = bytes
        let span = source.span
        for range in ranges {
            var cut = SplitParts(behavior: behavior)
            var position = range.lowerBound
            while position < range.upperBound {
                let part = splitter.nextPart(in: span, at: position, before: range.upperBound)
                cut.append(position..<part.end, isMatch: part.isMatch != inverted, to: &result)
                position = part.end
            }
            cut.finish(&result)
        }
        ranges = result
    }

    /// Rebuilds the text piece by piece; `rewrite` appends the new text of a piece.
    mutating func rewrite(_ rewrite: (_ piece: Range<Int>, _ result: inout [UInt8]) -> Void) {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + bytes.count / 2)
        var newRanges: [Range<Int>] = []
        newRanges.reserveCapacity(ranges.count)
        for range in ranges {
            let start = result.count
            rewrite(range, &result)
            if result.count > start { newRanges.append(start..<result.count) }
        }
        bytes = result
        ranges = newRanges
    }
}

/// Divides text into parts that match something and parts between them.
protocol Splitter: Sendable {
    /// The part that starts at `position`: where it ends (after `position`, at most `limit`), and whether it matches.
    func nextPart(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> (end: Int, isMatch: Bool)
}
