/// A token's text as UTF-8, compared byte by byte.
///
/// `String` will not do as a key: it compares by canonical equivalence, and "é" composed and decomposed are two tokens.
struct TokenText: Hashable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}
