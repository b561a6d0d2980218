import FixtureFiles
import Foundation
import ModelFiles

/// `Fixtures/tokenizers/words.json`: WordPiece and Unigram tokenizers and what `tokenizers` made of texts with them.
struct WordTokenizerFixture: Decodable, Sendable {
    struct Variant: Decodable, Sendable {
        let json: String
        /// Whether special tokens are added.
        let special: Bool
        /// The length texts are cut to, special tokens included.
        let maximum: Int?
        /// Hashes of fifty texts each.
        let groups: [String]
        /// The hash for the large text.
        let large: String?
    }

    /// One text in full: its index, ids, the text decoded without and with special tokens.
    struct Row: Decodable, Sendable {
        let textIndex: Int
        let tokens: [Int32]
        let decoded: String
        let decodedWithSpecials: String

        init(from decoder: any Decoder) throws {
            var fields = try decoder.unkeyedContainer()
            textIndex = try fields.decode(Int.self)
            tokens = try fields.decode([Int32].self)
            decoded = try fields.decode(String.self)
            decodedWithSpecials = try fields.decode(String.self)
        }
    }

    struct Shown: Decodable, Sendable {
        let json: String
        let hash: String
    }

    struct Large: Decodable, Sendable {
        let words: [String]
        let separators: [String]
        let count: Int
        let letters: Int
    }

    let parts: [String: String]
    /// These follow the texts of ``TokenizerFixture``.
    let texts: [String]
    let large: Large
    let tokenizers: [String: Variant]
    let rows: [String: [Row]]
    let scalars: [String: Shown]
    let older: [String: String]

    /// Read once: every test needs it.
    private static let loaded = Result {
        let path = FixtureFiles.path("tokenizers/words.json")
        return try JSONDecoder().decode(
            WordTokenizerFixture.self, from: try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    static func load() throws -> WordTokenizerFixture { try loaded.get() }

    /// The bytes of a `tokenizer.json` whose large parts are given by their names.
    func whole(_ json: String) -> [UInt8] {
        var json = json
        for (name, text) in parts {
            json = json.replacingOccurrences(of: "\"@\(name)@\"", with: text, options: .literal)
        }
        return Array(json.utf8)
    }

    /// Words and separators drawn by a linear congruential generator, then one word of many letters drawn likewise.
    func largeText() -> String {
        var state: UInt64 = 1
        func draw(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(count))
        }
        var bytes: [UInt8] = []
        for _ in 0..<large.count {
            bytes += Array(large.words[draw(large.words.count)].utf8)
            bytes += Array(large.separators[draw(large.separators.count)].utf8)
        }
        for _ in 0..<large.letters { bytes.append(UInt8(97 + draw(26))) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Every Unicode scalar between two letters, 256 of them in a text.
    static func scalarTexts() -> [String] {
        stride(from: UInt32(0), to: 0x110000, by: 256).compactMap { start in
            if (0xD800..<0xE000).contains(start) { return nil }
            var text = String.UnicodeScalarView()
            for value in start..<start + 256 {
                text.append("a")
                text.append(Unicode.Scalar(value) ?? " ")
                text.append("b")
                text.append(" ")
            }
            return String(text)
        }
    }
}

/// The hashes of `words.json`: SHA-256, cut short, of little-endian numbers and UTF-8.
struct TokenHasher {
    private var hasher = ContentHash.Hasher()

    mutating func add(_ tokens: [Int32]) {
        for value in [Int32(tokens.count)] + tokens { withUnsafeBytes(of: value.littleEndian) { hasher.update($0) } }
    }

    mutating func add(_ text: String) {
        hasher.update(Array(text.utf8) + [0])
    }

    consuming func digest() -> String { String("\(hasher.finished())".prefix(12)) }
}
