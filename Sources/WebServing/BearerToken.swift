import ModelFiles

/// What a client must know to be served: `Authorization: Bearer TOKEN`.
package struct BearerToken: Sendable {
    private let bytes: [UInt8]

    /// The fewest characters of a token that keeps others out: nobody guesses so many.
    package static let lengthMin = 16

    /// - Parameter lengthMin: How many characters it needs; one that is sent to others is as long as they made it.
    /// - Returns: `nil` for what is no token (RFC 6750's `b64token`, up to 512 characters).
    package init?(_ text: some StringProtocol, lengthMin: Int = BearerToken.lengthMin) {
        let isToken: (UInt8) -> Bool = { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-._~+/=".utf8.contains(byte)
            }
        }
        guard (lengthMin...512).contains(text.utf8.count), text.utf8.allSatisfy(isToken) else { return nil }
        bytes = Array(text.utf8)
    }

    /// Reads one from a file that only its owner can read.
    package init(file path: String) throws(WebServingError) {
        guard let token = BearerToken(try Self.line(of: path)) else { throw .badToken(path: path) }
        self = token
    }

    /// Reads one that another service gave, however short, from a file that only its owner can read.
    package init(foreignFile path: String) throws(WebServingError) {
        guard let token = BearerToken(try Self.line(of: path), lengthMin: 1) else { throw .badForeignToken(path: path) }
        self = token
    }

    private static func line(of path: String) throws(WebServingError) -> String {
        var text: [UInt8]
        do throws(SecretFileError) {
            text = try SecretFile.read(path)
        } catch {
            throw .unreadableToken("\(error)")
        }
        while let last = text.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { text.removeLast() }
        return String(decoding: text, as: UTF8.self)
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
