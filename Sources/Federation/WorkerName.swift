/// A worker's name within a run: 1 to 64 bytes of letters, digits, `.`, `_`, `-` and spaces inside.
///
/// Names order aggregation, key randomness and become folder names, so what may stand in one is narrow.
public struct WorkerName: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let text: String

    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        let isPlain = { (byte: UInt8) in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard (1...64).contains(bytes.count), let first = bytes.first, let last = bytes.last,
            isPlain(first), first != UInt8(ascii: "."), isPlain(last),
            bytes.allSatisfy({ isPlain($0) || $0 == UInt8(ascii: " ") })
        else { return nil }
        self.text = text
    }

    public var description: String { text }

    public static func < (left: WorkerName, right: WorkerName) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }
}
