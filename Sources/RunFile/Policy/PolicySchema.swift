extension OwnerPolicy {
    /// The policy file's JSON Schema (draft 2020-12), for editors and checks; conditions between keys are not in it.
    public static func jsonSchema() -> String {
        var properties: [String: JSONValue] = [:]
        for section in PolicyKey.sections {
            let keys = PolicyKey.all.filter { $0.section == section.name }
            properties[section.name] = .object([
                "type": .list([.text("object"), .text("null")]), "description": .text(section.summary),
                "additionalProperties": .boolean(false),
                "properties": .object(Dictionary(uniqueKeysWithValues: keys.map { ($0.name, $0.schema) })),
            ])
        }
        return JSONValue.object([
            "$schema": .text("https://json-schema.org/draft/2020-12/schema"),
            "title": .text("Shoal owner's policy"), "type": .text("object"),
            "additionalProperties": .boolean(false), "properties": .object(properties),
        ]).written(isPretty: true)
    }

    /// Every key of a policy file, as `section.key`.
    public static var keyPaths: [String] { PolicyKey.all.map(\.path) }
}

extension PolicyKey {
    fileprivate var schema: JSONValue {
        var members = kind.schema
        if let fallback { members["default"] = fallback.json }
        members["description"] = .text(summary)
        switch path {
        case "allow.base-models": members["items"] = Self.items(pattern: "^[0-9a-fA-F]{64}$")
        case "allow.coordinators": members["items"] = Self.items(pattern: "^.{40}$")
        case "schedule.hours": members["items"] = Self.items(pattern: DayHours.pattern)
        default: break
        }
        return .object(members)
    }

    private static func items(pattern: String) -> JSONValue {
        .object(["type": .text("string"), "pattern": .text(pattern)])
    }
}
