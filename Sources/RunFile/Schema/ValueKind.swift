import Federation

/// What a key takes: how it is read, refused and described in the JSON Schema.
indirect enum ValueKind: Hashable, Sendable {
    /// Any text of 1 to 4,096 bytes without control characters.
    case text
    case choice([String])
    /// `true` or `false`.
    case boolean
    case integer(ClosedRange<Int>)
    case number(NumberRange)
    case duration(ClosedRange<Duration>)
    /// One of the named codecs, with its parameters.
    case codec([String])
    /// Distinct texts, at least one.
    case textList
    /// Texts in their order, at least one: a program and its arguments.
    case words
    /// Distinct words out of these, at least one.
    case choices([String])
    /// Whole numbers, at least two.
    case integerList(ClosedRange<Int>)
    /// A text with a character that is special in regular expressions: a plain word in its place is a mistake.
    case expression
    /// A mapping of different texts to whole numbers, at least one.
    case integerMap(ClosedRange<Int>)
    /// A mapping of different texts to numbers, at least one.
    case numberMap(NumberRange)
    /// A mapping of exactly this name to a number.
    case parameter(String, NumberRange)
    /// Whatever one of these takes, the first that does.
    case either([ValueKind])

    /// Completes "must be …".
    var expectation: String {
        switch self {
        case .text: "a text"
        case .choice(let words) where words.count == 1: "`\(words[0])`"
        case .choice(let words): "one of " + words.map { "`\($0)`" }.joined(separator: ", ")
        case .boolean: "true or false"
        case .integer(let range) where range.upperBound == .max: "a whole number of at least \(range.lowerBound)"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "a number \(range.expectation)"
        case .duration(let range):
            "a duration from \(DurationText.write(range.lowerBound)) to \(DurationText.write(range.upperBound)), "
                + "written like 500ms, 90s, 5m or 2h"
        case .codec(let names): "a codec, NAME[:key=value,…], NAME one of " + names.joined(separator: ", ")
        case .textList: "a list of different texts"
        case .words: "a list of a program and its arguments"
        case .choices(let words): "a list of different words out of " + words.map { "`\($0)`" }.joined(separator: ", ")
        case .integerList(let range): "a list of at least two " + ValueKind.integer(range).plural
        case .expression: "a regular expression"
        case .integerMap(let range): "a mapping of texts to " + ValueKind.integer(range).plural
        case .numberMap(let range): "a mapping of texts to numbers \(range.expectation)"
        case .parameter(let name, let range): "`{\(name): a number \(range.expectation)}`"
        case .either(let kinds): kinds.map(\.expectation).joined(separator: " or ")
        }
    }

    private var plural: String {
        expectation.replacing("a whole number", with: "whole numbers")
    }

    /// Whether a path may stand here, so that an override's value is taken as it is.
    var isText: Bool {
        self == .text
    }
}

extension ValueKind {
    /// Why a node that has this kind's form is none of its values, where ``expectation`` would not tell.
    func fault(in node: YAMLNode) -> String? {
        switch (self, node.content) {
        case (.either(let kinds), _):
            return kinds.lazy.compactMap { $0.fault(in: node) }.first
        case (.codec(let names), .scalar(let text, _)):
            guard let name = CodecName(text), names.contains(name.name) else { return nil }
            do throws(CodecError) {
                _ = try Codecs.make(name)
                return nil
            } catch {
                if case .unknownParameter = error { return "\(error); remove it" }
                return "\(error)"
            }
        case (.integerList(let range), .list(let items)):
            let kind = ValueKind.integer(range)
            guard items.count >= 2, let wrong = items.firstIndex(where: { kind.read($0) == nil }) else { return nil }
            return "item \(wrong + 1) must be \(kind.expectation), not \(items[wrong].shown)"
        default: return nil
        }
    }

    /// The node as this kind of value; `nil` if it is none.
    func read(_ node: YAMLNode) -> SettingValue? {
        switch (self, node.content) {
        case (.either(let kinds), _):
            for kind in kinds {
                if let value = kind.read(node) { return value }
            }
            return nil
        case (.textList, .list(let items)):
            let texts = items.compactMap(Self.text)
            guard !texts.isEmpty, texts.count == items.count, Set(texts).count == texts.count else { return nil }
            return .list(texts)
        case (.words, .list(let items)):
            let texts = items.compactMap(Self.text)
            return !texts.isEmpty && texts.count == items.count ? .list(texts) : nil
        case (.choices(let words), .list(let items)):
            guard case .list(let texts)? = ValueKind.textList.read(node), texts.count == items.count,
                texts.allSatisfy(words.contains)
            else { return nil }
            return .list(texts)
        case (.integerList(let range), .list(let items)):
            let values = items.compactMap { item -> Int? in
                if case .integer(let value)? = ValueKind.integer(range).read(item) { value } else { nil }
            }
            return values.count == items.count && values.count >= 2 ? .integerList(values) : nil
        case (.integerMap(let range), .map(let pairs)):
            return Self.map(pairs, of: .integer(range)) {
                if case .integer(let value) = $0 { value } else { nil }
            }.map(SettingValue.integers)
        case (.numberMap(let range), .map(let pairs)):
            return Self.map(pairs, of: .number(range)) {
                if case .number(let value) = $0 { value } else { nil }
            }.map(SettingValue.numbers)
        case (.parameter(let name, let range), .map(let pairs)):
            guard pairs.count == 1, let pair = pairs.first, Self.text(pair.key) == name,
                case .number(let value)? = ValueKind.number(range).read(pair.value)
            else { return nil }
            return .parameter(name, value)
        case (_, .scalar(let text, let isPlain)):
            return readScalar(text, isPlain: isPlain, node: node)
        default:
            return nil
        }
    }

    private func readScalar(_ text: String, isPlain: Bool, node: YAMLNode) -> SettingValue? {
        switch self {
        case .text:
            return Self.text(node).map(SettingValue.text)
        case .expression:
            let special: Set<Character> = ["\\", ".", "*", "+", "?", "[", "(", "|", "^", "$", "{"]
            return text.contains(where: special.contains) ? Self.text(node).map(SettingValue.text) : nil
        case .choice(let words):
            return words.contains(text) ? .text(text) : nil
        case .boolean:
            guard isPlain, text == "true" || text == "false" else { return nil }
            return .boolean(text == "true")
        case .integer(let range):
            guard isPlain, let value = NumberText.integer(text), range.contains(value) else { return nil }
            return .integer(value)
        case .number(let range):
            guard isPlain, let value = NumberText.number(text), range.contains(value) else { return nil }
            return .number(value)
        case .duration(let range):
            guard let value = DurationText.read(text), range.contains(value) else { return nil }
            return .duration(value)
        case .codec(let names):
            guard let name = CodecName(text), names.contains(name.name), (try? Codecs.make(name)) != nil else {
                return nil
            }
            return .text(name.description)
        case .textList, .words, .choices, .integerList, .integerMap, .numberMap, .parameter, .either:
            return nil
        }
    }

    /// `nil` for an empty mapping, repeated keys and values of another kind.
    private static func map<Value>(
        _ pairs: [(key: YAMLNode, value: YAMLNode)], of kind: ValueKind, _ value: (SettingValue) -> Value?
    ) -> [String: Value]? {
        var values: [String: Value] = [:]
        for pair in pairs {
            guard let key = text(pair.key), let value = kind.read(pair.value).flatMap(value),
                values.updateValue(value, forKey: key) == nil
            else { return nil }
        }
        return values.isEmpty ? nil : values
    }

    private static func text(_ node: YAMLNode) -> String? {
        guard case .scalar(let text, _) = node.content, !node.isEmpty, (1...4_096).contains(text.utf8.count) else {
            return nil
        }
        // What YAML calls printable, tab and line breaks left out: it can be written back and shown on one line.
        let isPrintable = text.unicodeScalars.allSatisfy { scalar in
            switch scalar.value {
            case 0x20...0x7E, 0xA0...0xFEFE, 0xFF00...0xFFFD, 0x1_0000...: true
            default: false
            }
        }
        return isPrintable ? text : nil
    }
}
