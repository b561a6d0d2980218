/// One row of the schema's table.
struct SchemaKey: Sendable {
    /// What an absent key means.
    enum Fallback: Sendable {
        case required
        case value(SettingValue)
        /// The key has no value.
        case absent
        /// Computed from keys that stand earlier in the table; the words describe how. `nil` leaves the key absent.
        case derived(String, @Sendable (RunConfiguration) -> SettingValue?)
    }

    /// Whether a run that has begun accepts another value.
    enum Change: Sendable {
        case fixed
        case allowed
    }

    /// `section.key`, or a top-level key.
    let path: String
    let kind: ValueKind
    let fallback: Fallback
    let change: Change
    /// One line for people: what the key does and in which unit.
    let summary: String
    let read: @Sendable (RunConfiguration) -> SettingValue?
    let write: @Sendable (inout RunConfiguration, SettingValue) -> Void

    init<Value: SettingRepresentable>(
        _ path: String, _ kind: ValueKind, _ fallback: Fallback, change: Change = .fixed,
        at place: any WritableKeyPath<RunConfiguration, Value> & Sendable, _ summary: String
    ) {
        self.path = path
        self.kind = kind
        self.fallback = fallback
        self.change = change
        self.summary = summary
        read = { $0[keyPath: place].setting }
        write = { configuration, setting in
            guard let value = Value(setting: setting) else {
                preconditionFailure("the table gives \(path) the kind of another type: \(setting)")
            }
            configuration[keyPath: place] = value
        }
    }

    /// - Parameter word: What stands for `nil` in a file; without one, only an absent key does.
    init<Value: SettingRepresentable>(
        _ path: String, _ kind: ValueKind, orWord word: String?, _ fallback: Fallback, change: Change = .fixed,
        at place: any WritableKeyPath<RunConfiguration, Value?> & Sendable, _ summary: String
    ) {
        self.path = path
        self.kind = word.map { .either([kind, .choice([$0])]) } ?? kind
        self.fallback = fallback
        self.change = change
        self.summary = summary
        read = { $0[keyPath: place].flatMap(\.setting) ?? word.map(SettingValue.text) }
        write = { configuration, setting in
            let isNone = word.map { setting == .text($0) } ?? false
            let value = isNone ? nil : Value(setting: setting)
            precondition(isNone || value != nil, "the table gives \(path) the kind of another type: \(setting)")
            configuration[keyPath: place] = value
        }
    }

    /// The part after the section's dot.
    var name: String {
        path.split(separator: ".").last.map(String.init) ?? path
    }

    /// `nil` for a top-level key.
    var section: String? {
        let parts = path.split(separator: ".")
        return parts.count == 2 ? String(parts[0]) : nil
    }
}
