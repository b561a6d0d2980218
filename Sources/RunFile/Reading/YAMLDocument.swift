import Yams

/// Parses YAML text from a person or a stranger within fixed bounds: text size, nesting, values, aliases.
enum YAMLDocument {
    private static let maximumDepth = 16
    private static let maximumNodes = 20_000
    private static let maximumAliases = 16

    /// - Parameter whenEmpty: What to say of a text without any value.
    /// - Returns: The single document's root.
    static func parse(
        _ text: String, name: String, whenEmpty: String = "is empty; `model:` is the first key it needs"
    ) throws(RunFileError) -> YAMLNode {
        guard text.utf8.count <= RunConfiguration.maximumFileBytes else {
            throw RunFileError(location: name, message: "is larger than \(RunConfiguration.maximumFileBytes) bytes")
        }
        // Before parsing: a parser that compares keys expands their aliases, and nested aliases grow exponentially.
        // Sixteen cannot; no run file needs one.
        guard aliasCount(in: text) <= maximumAliases else {
            throw RunFileError(
                location: name, message: "has more than \(maximumAliases) YAML aliases (*name); write values out")
        }
        let root: Node?
        do {
            root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
        } catch {
            throw problem(error, name: name)
        }
        guard let root else {
            throw RunFileError(location: name, message: whenEmpty)
        }
        var remaining = maximumNodes
        return try convert(root, depth: 0, remaining: &remaining, name: name)
    }

    /// Counts what may be an alias; stars in comments and quoted text count too, which the bound leaves room for.
    private static func aliasCount(in text: String) -> Int {
        var count = 0
        var previous = UInt8(ascii: "\n")
        var isAfterStar = false
        for byte in text.utf8 {
            let isSpace = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t")
            if isAfterStar, !isSpace { count += 1 }
            isAfterStar = byte == UInt8(ascii: "*") && " \t\n\r[{,:?-".utf8.contains(previous)
            previous = byte
        }
        return count
    }

    private static func convert(
        _ node: Node, depth: Int, remaining: inout Int, name: String
    ) throws(RunFileError) -> YAMLNode {
        let line = node.mark?.line
        remaining -= 1
        guard depth <= maximumDepth, remaining >= 0 else {
            throw RunFileError(
                location: line.map { "\(name):\($0)" } ?? name,
                message: depth > maximumDepth ? "is nested too deeply" : "has more than \(maximumNodes) values")
        }
        switch node {
        case .scalar(let scalar):
            return YAMLNode(line: line, content: .scalar(scalar.string, isPlain: scalar.style == .plain))
        case .sequence(let sequence):
            var items: [YAMLNode] = []
            for item in sequence {
                items.append(try convert(item, depth: depth + 1, remaining: &remaining, name: name))
            }
            return YAMLNode(line: line, content: .list(items))
        case .mapping(let mapping):
            var pairs: [(key: YAMLNode, value: YAMLNode)] = []
            for pair in mapping {
                let key = try convert(pair.key, depth: depth + 1, remaining: &remaining, name: name)
                pairs.append((key, try convert(pair.value, depth: depth + 1, remaining: &remaining, name: name)))
            }
            return YAMLNode(line: line, content: .map(pairs))
        case .alias:
            throw RunFileError(location: name, message: "has an unresolved YAML alias")
        }
    }

    private static func problem(_ error: any Error, name: String) -> RunFileError {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            let prefix = context.map { "\($0.text): " } ?? ""
            return RunFileError(location: "\(name):\(mark.line)", message: "is not valid YAML: \(prefix)\(problem)")
        case YamlError.duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "'\(YAMLNode.shorten($0))'" }.joined(separator: ", ")
            return RunFileError(
                location: "\(name):\(context.mark.line)",
                message: "key \(keys) is given more than once in the same section; keep one")
        case YamlError.reader(let problem, _, _, _):
            return RunFileError(location: name, message: "is not valid YAML: \(problem)")
        default:
            return RunFileError(location: name, message: "is not valid YAML")
        }
    }
}
