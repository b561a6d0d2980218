import FixtureFiles
import Foundation

/// The tokenizers under `Fixtures/tokenizers` and what `tokenizers` made of the texts there.
struct TokenizerFixture: Decodable, Sendable {
    struct Case: Decodable, Sendable {
        let textIndex: Int
        let tokens: [Int32]
        /// nil where it equals the text.
        let decoded: String?
        /// Decoded with special tokens; nil where it equals `decoded`.
        let decodedWithSpecials: String?

        init(from decoder: any Decoder) throws {
            var fields = try decoder.unkeyedContainer()
            textIndex = try fields.decode(Int.self)
            var token: Int32 = 0
            // The file holds differences.
            tokens = try fields.decode([Int32].self).map {
                token += $0
                return token
            }
            decoded = try fields.decode(String?.self)
            decodedWithSpecials = try fields.decode(String?.self)
        }
    }

    private struct Variant: Decodable {
        let base: String
        let json: String
    }

    let texts: [String]
    let sets: [String: [Case]]

    /// Read once: every test needs it.
    private static let loaded = Result {
        try JSONDecoder().decode(TokenizerFixture.self, from: try data("cases.json"))
    }

    static func load() throws -> TokenizerFixture { try loaded.get() }

    private static func data(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: FixtureFiles.path("tokenizers/\(name)")))
    }

    static func baseJSON(_ name: String) throws -> [UInt8] { [UInt8](try data("\(name).json")) }

    /// The `tokenizer.json` of a variant.
    static func variantJSON(_ name: String) throws -> [UInt8] {
        let variants = try JSONDecoder().decode([String: Variant].self, from: try data("variants.json"))
        guard let variant = variants[name] else { throw CocoaError(.fileNoSuchFile) }
        // Literal replacement: without it, Foundation would compare by canonical equivalence.
        let base = String(decoding: try baseJSON(variant.base), as: UTF8.self)
        guard let vocabulary = base.range(of: "\"vocab\":", options: .literal),
            let merges = base.range(of: ",\"merges\":", options: .literal),
            let end = base.range(of: "}}", options: [.literal, .backwards])
        else { throw CocoaError(.fileReadCorruptFile) }
        let json = variant.json
            .replacingOccurrences(
                of: "\"@vocab@\"", with: String(base[vocabulary.upperBound..<merges.lowerBound]), options: .literal
            )
            .replacingOccurrences(
                of: "\"@merges@\"", with: String(base[merges.upperBound..<end.lowerBound]), options: .literal)
        return Array(json.utf8)
    }
}

/// Equality of strings byte by byte; `==` is canonical equivalence.
func sameBytes(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
