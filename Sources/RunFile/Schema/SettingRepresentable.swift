import Federation
import Recipe

/// A type of the configuration that one key's value stands for.
protocol SettingRepresentable: Sendable {
    /// `nil` when the value is of another kind, which the schema's table rules out.
    init?(setting: SettingValue)
    /// `nil` when the key is absent.
    var setting: SettingValue? { get }
}

extension SettingRepresentable where Self: RawRepresentable<String> {
    init?(setting: SettingValue) {
        guard case .text(let word) = setting else { return nil }
        self.init(rawValue: word)
    }

    var setting: SettingValue? { .text(rawValue) }
}

extension TaskKind: SettingRepresentable {}
extension AdapterOptions.Method: SettingRepresentable {}
extension AdapterOptions.Scaling: SettingRepresentable {}
extension ChatTemplateName: SettingRepresentable {}
extension TrainingOptions.Optimizer: SettingRepresentable {}
extension TrainingOptions.Schedule: SettingRepresentable {}
extension TrainingOptions.Precision: SettingRepresentable {}
extension Strategy: SettingRepresentable {}
extension FactorAggregation: SettingRepresentable {}
extension Personalisation: SettingRepresentable {}
extension SelectionPolicy: SettingRepresentable {}
extension Schedule: SettingRepresentable {}
extension EvaluationOptions.Source: SettingRepresentable {}

extension Bool: SettingRepresentable {
    init?(setting: SettingValue) {
        guard case .boolean(let value) = setting else { return nil }
        self = value
    }

    var setting: SettingValue? { .boolean(self) }
}

extension Int: SettingRepresentable {
    init?(setting: SettingValue) {
        guard case .integer(let value) = setting else { return nil }
        self = value
    }

    var setting: SettingValue? { .integer(self) }
}

extension UInt64: SettingRepresentable {
    init?(setting: SettingValue) {
        guard case .integer(let value) = setting, value >= 0 else { return nil }
        self = UInt64(value)
    }

    /// The schema admits no seed that an Int does not hold.
    var setting: SettingValue? { .integer(Int(clamping: self)) }
}

extension Double: SettingRepresentable {
    init?(setting: SettingValue) {
        guard case .number(let value) = setting else { return nil }
        self = value
    }

    var setting: SettingValue? { .number(self) }
}

extension String: SettingRepresentable {
    init?(setting: SettingValue) {
        guard case .text(let value) = setting else { return nil }
        self = value
    }

    var setting: SettingValue? { .text(self) }
}

extension Duration: SettingRepresentable {
    init?(setting: SettingValue) {
        guard case .duration(let value) = setting else { return nil }
        self = value
    }

    var setting: SettingValue? { .duration(self) }
}

extension [String]: SettingRepresentable {
    init?(setting: SettingValue) {
        guard case .list(let values) = setting else { return nil }
        self = values
    }

    var setting: SettingValue? { isEmpty ? nil : .list(self) }
}

extension Dictionary: SettingRepresentable where Key == String, Value: MapValue {
    init?(setting: SettingValue) {
        guard let values = Value.map(of: setting) else { return nil }
        self = values
    }

    var setting: SettingValue? { isEmpty ? nil : Value.setting(of: self) }
}

/// What a mapping from texts may hold.
protocol MapValue: Sendable {
    static func map(of setting: SettingValue) -> [String: Self]?
    static func setting(of map: [String: Self]) -> SettingValue
}

extension Int: MapValue {
    static func map(of setting: SettingValue) -> [String: Int]? {
        if case .integers(let values) = setting { values } else { nil }
    }

    static func setting(of map: [String: Int]) -> SettingValue { .integers(map) }
}

extension Double: MapValue {
    static func map(of setting: SettingValue) -> [String: Double]? {
        if case .numbers(let values) = setting { values } else { nil }
    }

    static func setting(of map: [String: Double]) -> SettingValue { .numbers(map) }
}

extension CodecName: SettingRepresentable {
    init?(setting: SettingValue) {
        guard case .text(let text) = setting else { return nil }
        self.init(text)
    }

    var setting: SettingValue? { .text(description) }
}

extension ModelSource: SettingRepresentable {
    init?(setting: SettingValue) {
        guard case .text(let text) = setting else { return nil }
        self = text == "built-in" ? .builtIn : .directory(text)
    }

    var setting: SettingValue? {
        switch self {
        case .builtIn: .text("built-in")
        case .directory(let path): .text(path)
        }
    }
}

extension AdapterOptions.Targets: SettingRepresentable {
    init?(setting: SettingValue) {
        switch setting {
        case .text("all-linear"): self = .allLinear
        case .text(let pattern): self = .pattern(pattern)
        case .list(let names): self = .named(names)
        default: return nil
        }
    }

    var setting: SettingValue? {
        switch self {
        case .allLinear: .text("all-linear")
        case .named(let names): .list(names)
        case .pattern(let pattern): .text(pattern)
        }
    }
}

extension AdapterOptions.Exclusion: SettingRepresentable {
    init?(setting: SettingValue) {
        switch setting {
        case .text(let pattern): self = .pattern(pattern)
        case .list(let names): self = .named(names)
        default: return nil
        }
    }

    var setting: SettingValue? {
        switch self {
        case .none: nil
        case .named(let names): .list(names)
        case .pattern(let pattern): .text(pattern)
        }
    }
}

extension DataOptions.Partition: SettingRepresentable {
    init?(setting: SettingValue) {
        switch setting {
        case .text("worker"): self = .worker
        case .text("even"): self = .even
        case .parameter("label-dirichlet", let alpha): self = .labelDirichlet(alpha)
        default: return nil
        }
    }

    var setting: SettingValue? {
        switch self {
        case .worker: .text("worker")
        case .even: .text("even")
        case .labelDirichlet(let alpha): .parameter("label-dirichlet", alpha)
        }
    }
}

extension WeightCap: SettingRepresentable {
    init?(setting: SettingValue) {
        switch setting {
        case .text("none"): self.init()
        case .integer(let items) where items >= 1: self.init(maximumItems: items)
        default: return nil
        }
    }

    var setting: SettingValue? { maximumItems.map(SettingValue.integer) ?? .text("none") }
}
