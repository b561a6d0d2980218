/// A signature as the ledger shows it: 128 lowercase hexadecimal digits.
enum SignatureText {
    static func write(_ signature: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(signature.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    /// `nil` for anything but 128 digits.
    static func read(_ text: String) -> [UInt8]? {
        let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard text.utf8.count == 128, digits.count == 128 else { return nil }
        return stride(from: 0, to: 128, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
