import ModelFiles

/// What a client must know to be served: `Authorization: Bearer TOKEN`.
package struct BearerToken: Sendable {
    private let bytes: [UInt8]

    /// - Returns: `nil` for what is no token (RFC 6750's `b64token`, 16 to 512 characters).
    package init?(_ text: some StringProtocol) {
        let isToken: (UInt8) -> Bool = { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-._~+/=".utf8.contains(byte)
            }
        }
        guard (16...512).contains(text.utf8.count), text.utf8.allSatisfy(isToken) else { return nil }
        bytes = Array(text.utf8)
    }

    /// Reads one from a file that only its owner can read.
    package init(file path: String) throws(WebServingError) {
        var text: [UInt8]
        do throws(SecretFileError) {
            text = try SecretFile.read(path)
        } catch {
            throw .unreadableToken("\(error)")
        }
        while let last = text.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { text.removeLast() }
        guard let token = BearerToken(String(decoding: text, as: UTF8.self)) else { throw .badToken(path: path) }
        self = token
    }

    /// What a client sends as `Authorization`.
    package var headerValue: String { "Bearer " + String(decoding: bytes, as: UTF8.self) }

    /// Whether an `Authorization` header carries it. How long that takes tells nothing of how much was right.
    package func isCarried(by header: String?) -> Bool {
        guard let header, header.utf8.count > 7, header.prefix(7).lowercased() == "bearer " else { return false }
        let given = Array(header.utf8.dropFirst(7))
        var difference = UInt8(given.count == bytes.count ? 0 : 1)
        for index in bytes.indices { difference |= bytes[index] ^ (index < given.count ? given[index] : 0) }
        return difference == 0
    }
}
