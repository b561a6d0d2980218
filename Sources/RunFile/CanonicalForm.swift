/// A key that two configurations differ in.
public struct ChangedKey: Hashable, Sendable, CustomStringConvertible {
    /// For example `federation.rounds`.
    public let key: String
    /// JSON; `nil` when the key is absent.
    public let old: String?
    public let new: String?
    /// Whether a run that has begun accepts the new value.
    public let mayChange: Bool

    public var description: String {
        "\(key): \(old ?? "absent") → \(new ?? "absent")"
    }
}

extension RunConfiguration {
    /// Every key that has a value, defaults included, as key path and JSON text: equal for equal configurations.
    public var canonical: [String: String] {
        canonicalMembers.mapValues { $0.written() }
    }

    /// ``canonical`` as one JSON object on one line, keys sorted: what a ledger keeps.
    public var canonicalJSON: String {
        JSONValue.object(canonicalMembers).written()
    }

    /// Reads ``canonicalJSON`` back.
    ///
    /// Keys that a later release added take their defaults; unknown keys are refused, as a file's are. Combinations of keys
    /// that a later release refuses are read: only so can be told what a file changes.
    ///
    /// - Parameter name: Where the text was kept, for problems.
    public init(canonicalJSON: String, name: String = "stored configuration") throws(RunFileError) {
        var reader = SettingsReader(name: name)
        // JSON is YAML.
        reader.read(flat: try YAMLDocument.parse(canonicalJSON, name: name))
        self = try reader.configuration(wasAccepted: true)
    }

    /// The keys in which this configuration differs from an earlier one, in key order.
    public func changes(from earlier: RunConfiguration) -> [ChangedKey] {
        let (old, new) = (earlier.canonical, canonical)
        return RunSchema.keys.sorted { $0.path < $1.path }.compactMap { key in
            guard old[key.path] != new[key.path] else { return nil }
            return ChangedKey(
                key: key.path, old: old[key.path], new: new[key.path], mayChange: key.change == .allowed)
        }
    }

    /// The keys that a run which has begun accepts other values for, in key order.
    public static var changeableKeys: [String] {
        RunSchema.keys.filter { $0.change == .allowed }.map(\.path).sorted()
    }

    private var canonicalMembers: [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        for key in RunSchema.keys { members[key.path] = key.read(self)?.json }
        return members
    }
}
