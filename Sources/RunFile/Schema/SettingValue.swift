/// One key's value, read and checked against its kind: the common currency of file, overrides, defaults and ledger.
enum SettingValue: Hashable, Sendable {
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    /// Paths, choices, codecs, and words such as `none` and `auto`.
    case text(String)
    case duration(Duration)
    case list([String])
    case integerList([Int])
    /// A mapping of names to numbers; empty for an absent one.
    case integers([String: Int])
    case numbers([String: Double])
    /// A mapping of one name to one number: `{label-dirichlet: 0.5}`.
    case parameter(String, Double)

    var json: JSONValue {
        switch self {
        case .boolean(let value): .boolean(value)
        case .integer(let value): .integer(value)
        case .number(let value): .number(value)
        case .text(let value): .text(value)
        case .duration(let value): .text(DurationText.write(value))
        case .list(let values): .list(values.map(JSONValue.text))
        case .integerList(let values): .list(values.map(JSONValue.integer))
        case .integers(let values): .object(values.mapValues(JSONValue.integer))
        case .numbers(let values): .object(values.mapValues(JSONValue.number))
        case .parameter(let name, let value): .object([name: .number(value)])
        }
    }
}
