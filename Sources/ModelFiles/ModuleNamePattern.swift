/// A regular expression over module names, in the part of Python's syntax that means the same to Swift's engine.
///
/// PEFT's configurations hold Python expressions. What would match other names here than there is refused, never guessed.
struct ModuleNamePattern {
    private let expression: Regex<AnyRegexOutput>

    /// Python's `re.fullmatch(pattern, name)`.
    init(wholeName pattern: String) throws(ModuleNamePatternError) {
        try self.init(pattern, around: ("", ""), allowsLeadingFlags: true)
    }

    /// PEFT's rule for `rank_pattern` and `alpha_pattern`: `re.match(rf"(.*\.)?({pattern})$", name)`.
    init(nameEnding pattern: String) throws(ModuleNamePatternError) {
        try self.init(pattern, around: (#"(.*\.)?("#, ")$"), allowsLeadingFlags: false)
    }

    /// PEFT's rule for `layers_pattern`; ``layerIndex(of:)`` reads the match.
    ///
    /// - Parameter pattern: `nil`: any list of layers that has a parent.
    init(layerList pattern: String?) throws(ModuleNamePatternError) {
        let start = pattern == nil ? #".*?\."# : #"(?:^|.*?\.)"#
        try self.init(
            pattern ?? "[^.]*", around: (start, #"\.(?P<idx>\d+)\..*"#), allowsLeadingFlags: false)
    }

    private init(
        _ pattern: String, around: (String, String), allowsLeadingFlags: Bool
    ) throws(ModuleNamePatternError) {
        let refusal = PatternSyntax.refusal(pattern, allowsLeadingFlags: allowsLeadingFlags)
        if let refusal { throw ModuleNamePatternError(pattern: pattern, reason: refusal) }
        do {
            // Alone first: a stray parenthesis could otherwise pair with one of those around it.
            _ = try Regex(pattern).wholeMatch(in: "")
            // Python's words and characters are code points, Swift's default ones are not.
            expression = try Regex(around.0 + pattern + around.1)
                .matchingSemantics(.unicodeScalar).wordBoundaryKind(.simple)
            _ = try expression.wholeMatch(in: "")
        } catch {
            throw ModuleNamePatternError(pattern: pattern, reason: "it cannot be parsed")
        }
    }

    func matches(_ name: String) -> Bool {
        (try? expression.wholeMatch(in: name)) != nil
    }

    /// The number that the group `idx` matched.
    func layerIndex(of name: String) -> Int? {
        guard let match = try? expression.wholeMatch(in: name), let text = match["idx"]?.substring else { return nil }
        return Int(text)
    }
}

/// A regular expression that is not Python's, or that Swift's engine would read in another way.
public struct ModuleNamePatternError: Error, Hashable, Sendable, CustomStringConvertible {
    public let pattern: String
    public let reason: String

    public var description: String {
        "the regular expression '\(pattern)' is not supported: \(reason); write it otherwise or list the names"
    }
}

/// Finds what the two engines read differently.
private enum PatternSyntax {
    /// Longer ones are no description of module names. Unit: bytes.
    private static let bytesMax = 4_096

    static func refusal(_ pattern: String, allowsLeadingFlags: Bool) -> String? {
        guard pattern.utf8.count <= bytesMax else { return "it has more than \(bytesMax) bytes" }
        guard pattern.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { return "it is not printable ASCII" }
        let characters = Array(pattern)
        var isInClass = false
        var index = 0
        while index < characters.count {
            let rest = characters[index...]
            switch characters[index] {
            case "\\":
                guard let escaped = rest.dropFirst().first else { return "it ends in a backslash" }
                let known = isInClass ? "dDwWsStnrfvxu" : "dDwWsSbBAZtnrfvxu123456789"
                if escaped.isLetter || escaped.isNumber, !known.contains(escaped) {
                    return "\\\(escaped) means something else in Python"
                }
                index += 1
            case "[" where isInClass: return "'[' inside a set must be written \\["
            case "[": isInClass = true
            case "]": isInClass = false
            case "&", "-", "~", "|":
                if isInClass, rest.dropFirst().first == characters[index] {
                    return "\(characters[index])\(characters[index]) inside a set means something else in Python"
                }
            case "(" where !isInClass && rest.dropFirst().first == "?":
                let isFirst = index == 0 && allowsLeadingFlags
                if let refusal = refusal(group: String(rest.dropFirst(2)), mayBeFlags: isFirst) { return refusal }
            case "{" where !isInClass && rest.starts(with: Array("{,}")): return "{,} must be written *"
            default: break
            }
            index += 1
        }
        guard PatternCost.ways(pattern) <= PatternCost.limit else {
            return "it repeats what repeats, or too much of it, and could be tried on a name without end"
        }
        return nil
    }

    /// - Parameter group: What follows `(?`.
    private static func refusal(group: String, mayBeFlags: Bool) -> String? {
        let known = [":", "=", "!", ">", "#", "P<", "P=", "i:", "s:"]
        if known.contains(where: group.hasPrefix) { return nil }
        if group.hasPrefix("i)") || group.hasPrefix("s)") {
            return mayBeFlags ? nil : "flags stand at its very beginning only"
        }
        return "the group (?\(group.prefix(2)) is not supported"
    }
}
