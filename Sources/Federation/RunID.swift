/// A run's identifier: 64 random bits as 16 lowercase hexadecimal digits, made when a state directory is created.
public struct RunID: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    /// - Parameter bits: From the system's generator: the pure layers draw nothing themselves.
    public init(bits: UInt64) {
        let digits = String(bits, radix: 16)
        text = String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Reads what ``text`` wrote.
    public init?(_ text: String) {
        let isDigit = { (byte: UInt8) in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard text.utf8.count == 16, text.utf8.allSatisfy(isDigit) else { return nil }
        self.text = text
    }

    public var description: String { text }
}
