/// The merges of a byte-pair model as the file gives them, in order of preference.
struct MergeList {
    /// A pair of tokens and the token they join into, as texts.
    struct Entry {
        let left: [UInt8]
        let right: [UInt8]
        var joined: [UInt8] { left + right }
    }

    let entries: [Entry]
    private let field: JSONField

    /// Reads `merges`: pairs as `["a", "b"]`, or in older files as `"a b"`.
    init(_ field: JSONField) throws(TokenizerError) {
        guard case .array(let values) = field.value else {
            throw field.invalid("is \(field.value.kind) where an array belongs")
        }
        self.field = field
        var entries: [Entry] = []
        entries.reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            switch value {
            case .array(let pair):
                guard pair.count == 2, case .string(let left) = pair[0], case .string(let right) = pair[1] else {
                    throw Self.invalid(field, index, "must be a pair of strings")
                }
                entries.append(Entry(left: left, right: right))
            case .string(let line):
                if line.starts(with: "#version".utf8) { continue }
                let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
                guard parts.count == 2 else {
                    throw Self.invalid(field, index, "is \(quoted(line)), not two tokens with a space between them")
                }
                entries.append(Entry(left: Array(parts[0]), right: Array(parts[1])))
            default:
                throw Self.invalid(field, index, "is \(value.kind) where a pair of tokens belongs")
            }
        }
        self.entries = entries
    }

    /// The merges by token ids.
    func table(_ vocabulary: Vocabulary) throws(TokenizerError) -> MergeTable {
        var table = MergeTable(capacityFor: entries.count)
        for (rank, entry) in entries.enumerated() {
            table.insert(
                try id(of: entry.left, in: vocabulary, rank), try id(of: entry.right, in: vocabulary, rank),
                rank: UInt32(rank), token: try id(of: entry.joined, in: vocabulary, rank))
        }
        return table
    }

    private func id(of text: [UInt8], in vocabulary: Vocabulary, _ rank: Int) throws(TokenizerError) -> Int32 {
        guard let id = vocabulary.id(of: text) else {
            throw Self.invalid(field, rank, "needs the token \(quoted(text)), which the vocabulary lacks")
        }
        return id
    }

    private static func invalid(_ field: JSONField, _ index: Int, _ reason: String) -> TokenizerError {
        .invalidField(file: field.file, field: "\(field.path)[\(index)]", reason: reason)
    }
}
