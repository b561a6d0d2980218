/// Ends a text that arrives in pieces before the first of some strings, and holds back what may still become one.
///
/// The string that is complete first ends the text, of several the longest; so the outcome does not depend on where the
/// pieces are cut.
public struct StopStrings: Sendable {
    /// In UTF-8.
    private let stops: [[UInt8]]
    /// Not yet given out: it ends in the beginning of a stop string. In UTF-8.
    private var held: [UInt8] = []
    /// Whether a stop string was complete; nothing comes out from then on.
    public private(set) var isStopped = false

    /// - Precondition: No string is empty.
    public init(_ strings: [String]) {
        precondition(strings.allSatisfy { !$0.isEmpty }, "an empty stop string")
        stops = strings.map { Array($0.utf8) }
    }

    /// - Returns: What is certainly part of no stop string, and was not given out before.
    public mutating func append(_ piece: String) -> String {
        guard !isStopped else { return "" }
        for byte in piece.utf8 {
            held.append(byte)
            let longest = stops.filter { held.count >= $0.count && held.suffix($0.count).elementsEqual($0) }
                .map(\.count).max()
            guard let longest else { continue }
            isStopped = true
            return give(held.count - longest)
        }
        return give(held.count - openCount)
    }

    /// - Returns: What was held back, where the text ends by itself.
    public mutating func finish() -> String {
        isStopped ? "" : give(held.count)
    }

    /// How much of the end of `held` is a stop string's beginning. Unit: bytes.
    private var openCount: Int {
        let longest = (stops.map(\.count).max() ?? 1) - 1
        return (0...min(longest, held.count)).reversed().first { count in
            stops.contains { $0.count > count && $0.starts(with: held.suffix(count)) }
        } ?? 0
    }

    /// Whole characters, for both kinds of cut stand where a stop string begins.
    private mutating func give(_ count: Int) -> String {
        defer { held.removeFirst(count) }
        return String(decoding: held.prefix(count), as: UTF8.self)
    }
}
