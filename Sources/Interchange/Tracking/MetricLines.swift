public import ModelFiles

/// A run as JSON Lines: one object for its settings, then one for each step.
public enum MetricLines {
    /// Writes the whole file anew, in one step.
    public static func write(_ run: TrackedRun, to path: String) throws(FileError) {
        try AtomicFile.write(encode(run), to: path)
    }

    static func encode(_ run: TrackedRun) -> [UInt8] {
        var settings: [String: JSONValue] = [:]
        for (name, value) in run.settings { settings[name] = .string(value) }
        var tags: [String: JSONValue] = [:]
        for (name, value) in run.tags { tags[name] = .string(value) }
        var lines = [
            JSONValue.object([
                "event": .string("run"), "run": .string(run.id), "startedAt": .integer(Int(run.startedAt)),
                "settings": .object(settings), "tags": .object(tags),
            ])
        ]
        for (step, metrics) in Dictionary(grouping: run.metrics, by: \.step).sorted(by: { $0.key < $1.key }) {
            var members: [String: JSONValue] = [
                "event": .string("metrics"), "run": .string(run.id), "step": .integer(step),
                "at": .integer(Int(metrics.map(\.at).max() ?? 0)),
            ]
            // JSON has no number for what is not finite.
            for metric in metrics { members[metric.name] = metric.value.isFinite ? .number(metric.value) : .null }
            lines.append(.object(members))
        }
        return lines.flatMap { JSONText.encode($0) + [UInt8(ascii: "\n")] }
    }
}
