/// A model's tokens and their ids, in both directions.
struct Vocabulary {
    /// The largest id accepted. Ids index a table, so a hostile file must not choose its size freely.
    static let maximumID = (1 << 22) - 1

    private let ids: [TokenText: Int32]
    /// Token text by id; nil where no token has that id.
    private let texts: [[UInt8]?]

    /// Reads the `vocab` object of a model: token text to id.
    init(_ field: JSONField) throws(TokenizerError) {
        let members = try field.members()
        var ids: [TokenText: Int32] = [:]
        ids.reserveCapacity(members.count)
        var texts: [[UInt8]?] = []
        texts.reserveCapacity(members.count)
        for member in members {
            guard case .integer(let number) = member.value, let id = Self.id(number) else {
                throw field.invalid("gives \(quoted(member.name)) no id from 0 to \(Self.maximumID)")
            }
            guard ids.updateValue(id, forKey: TokenText(member.name)) == nil else {
                throw field.invalid("has \(quoted(member.name)) twice")
            }
            if Int(id) >= texts.count { texts.append(contentsOf: repeatElement(nil, count: Int(id) + 1 - texts.count)) }
            guard texts[Int(id)] == nil else { throw field.invalid("gives id \(id) to two tokens") }
            texts[Int(id)] = member.name
        }
        self.ids = ids
        self.texts = texts
    }

    /// Tokens whose ids are their places in a list. `field` names the list in errors.
    init(_ list: [[UInt8]], field: JSONField) throws(TokenizerError) {
        guard list.count <= Self.maximumID + 1 else {
            throw field.invalid("has more than \(Self.maximumID + 1) tokens")
        }
        var ids: [TokenText: Int32] = [:]
        ids.reserveCapacity(list.count)
        for (index, text) in list.enumerated() {
            guard ids.updateValue(Int32(index), forKey: TokenText(text)) == nil else {
                throw field.invalid("has \(quoted(text)) twice")
            }
        }
        self.ids = ids
        texts = list
    }

    /// `number` as an id if it lies in the accepted range.
    static func id(_ number: Int) -> Int32? {
        (0...maximumID).contains(number) ? Int32(number) : nil
    }

    /// How many tokens there are; ids may have gaps.
    var count: Int { ids.count }

    /// -1 if there are none.
    var largestID: Int32 { Int32(texts.count) - 1 }

    func id(of text: [UInt8]) -> Int32? { ids[TokenText(text)] }

    func text(of id: Int32) -> [UInt8]? {
        texts.indices.contains(Int(id)) ? texts[Int(id)] : nil
    }

    /// The tokens `<0x00>` to `<0xFF>` that stand for single bytes, -1 where missing.
    var byteTokens: [Int32] {
        let digits = Array("0123456789ABCDEF".utf8)
        return (0..<256).map { byte in
            id(of: Array("<0x".utf8) + [digits[byte >> 4], digits[byte & 15], UInt8(ascii: ">")]) ?? -1
        }
    }

    /// Calls `body` with every token.
    func forEach(_ body: ([UInt8], Int32) -> Void) {
        for (id, text) in texts.enumerated() {
            if let text { body(text, Int32(id)) }
        }
    }
}
