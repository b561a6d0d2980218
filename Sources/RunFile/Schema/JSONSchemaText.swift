extension RunConfiguration {
    /// The run file's JSON Schema (draft 2020-12), for editors and checks; conditions between keys are not in it.
    public static func jsonSchema() -> String {
        var properties: [String: JSONValue] = [:]
        for key in RunSchema.keys where key.section == nil { properties[key.name] = key.schema }
        var requiredSections = Set<String>()
        for section in RunSchema.sections {
            let keys = RunSchema.keys.filter { $0.section == section.name }
            let required = keys.filter(\.isRequired).map(\.name)
            if !required.isEmpty { requiredSections.insert(section.name) }
            var schema: [String: JSONValue] = [
                "type": required.isEmpty ? .list([.text("object"), .text("null")]) : .text("object"),
                "description": .text(section.summary),
                "additionalProperties": .boolean(false),
                "properties": .object(Dictionary(uniqueKeysWithValues: keys.map { ($0.name, $0.schema) })),
            ]
            if !required.isEmpty { schema["required"] = .list(required.map(JSONValue.text)) }
            properties[section.name] = .object(schema)
        }
        let topLevel = RunSchema.keys.filter { $0.section == nil && $0.isRequired }.map(\.name)
        return JSONValue.object([
            "$schema": .text("https://json-schema.org/draft/2020-12/schema"),
            "title": .text("Shoal run file"),
            "type": .text("object"),
            "additionalProperties": .boolean(false),
            "required": .list((topLevel + requiredSections.sorted()).map(JSONValue.text)),
            "properties": .object(properties),
        ]).written(isPretty: true)
    }
}

extension SchemaKey {
    fileprivate var isRequired: Bool {
        if case .required = fallback { true } else { false }
    }

    fileprivate var schema: JSONValue {
        var members = kind.schema
        switch fallback {
        case .value(let value):
            members["default"] = value.json
            members["description"] = .text(summary)
        case .derived(let words, _): members["description"] = .text("\(summary) Default: \(words).")
        case .required, .absent: members["description"] = .text(summary)
        }
        return .object(members)
    }
}

extension ValueKind {
    var schema: [String: JSONValue] {
        switch self {
        case .text: ["type": .text("string"), "minLength": .integer(1), "maxLength": .integer(4_096)]
        case .choice(let words): ["enum": .list(words.map(JSONValue.text))]
        case .integer(let range): Self.integerSchema(range)
        case .boolean: ["type": .text("boolean")]
        case .number(let range): range.schema
        case .duration: ["type": .text("string"), "pattern": .text(DurationText.pattern)]
        case .codec(let names):
            ["type": .text("string"), "pattern": .text("^(\(names.joined(separator: "|")))(:[^:]+)?$")]
        case .textList:
            [
                "type": .text("array"), "minItems": .integer(1), "uniqueItems": .boolean(true),
                "items": .object(ValueKind.text.schema),
            ]
        case .words:
            [
                "type": .text("array"), "minItems": .integer(1), "items": .object(ValueKind.text.schema),
            ]
        case .choices(let words):
            [
                "type": .text("array"), "minItems": .integer(1), "uniqueItems": .boolean(true),
                "items": .object(ValueKind.choice(words).schema),
            ]
        case .expression:
            ["type": .text("string"), "pattern": .text(#"[\\.*+?\[(|^${]"#), "maxLength": .integer(4_096)]
        case .integerList(let range):
            ["type": .text("array"), "minItems": .integer(2), "items": .object(Self.integerSchema(range))]
        case .integerMap(let range): Self.mapSchema(of: .integer(range))
        case .numberMap(let range): Self.mapSchema(of: .number(range))
        case .parameter(let name, let range):
            [
                "type": .text("object"), "additionalProperties": .boolean(false), "required": .list([.text(name)]),
                "properties": .object([name: .object(range.schema)]),
            ]
        case .either(let kinds): ["anyOf": .list(kinds.map { .object($0.schema) })]
        }
    }

    private static func mapSchema(of kind: ValueKind) -> [String: JSONValue] {
        ["type": .text("object"), "minProperties": .integer(1), "additionalProperties": .object(kind.schema)]
    }

    private static func integerSchema(_ range: ClosedRange<Int>) -> [String: JSONValue] {
        var schema: [String: JSONValue] = ["type": .text("integer"), "minimum": .integer(range.lowerBound)]
        if range.upperBound != .max { schema["maximum"] = .integer(range.upperBound) }
        return schema
    }
}

extension NumberRange {
    fileprivate var schema: [String: JSONValue] {
        var schema: [String: JSONValue] = ["type": .text("number")]
        schema[isMinimumExcluded ? "exclusiveMinimum" : "minimum"] = .number(minimum)
        if let below { schema["exclusiveMaximum"] = .number(below) }
        if let maximum { schema["maximum"] = .number(maximum) }
        return schema
    }
}
