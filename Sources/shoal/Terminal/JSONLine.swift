import FoundationEssentials

/// One JSON object a line on standard output: what `--json` promises, and nothing else stands there.
enum JSONLine {
    static func print(_ value: some Encodable) throws {
        Console.output(try text(value))
    }

    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
