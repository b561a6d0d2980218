import Testing

/// Settings that cannot work together, and what is to be said of them.
struct Refusal: Sendable {
    /// `key.path=VALUE` each, over the smallest run file.
    let settings: [String]
    /// The key whose line is to be named; `nil`: the first of ``settings``.
    let key: String?
    /// What is to be done, as the message says it.
    let remedy: String
    /// Problems that these settings have besides, as the pair cannot be had alone.
    let others: Int

    init(_ settings: [String], at key: String? = nil, _ remedy: String, others: Int = 0) {
        self.settings = settings
        self.key = key
        self.remedy = remedy
        self.others = others
    }

    /// A run file of the settings, each key on a line of its own.
    var file: (yaml: String, lines: [String: Int]) {
        var values = [("model", "m"), ("federation.workers", "9"), ("federation.rounds", "3")]
        for setting in settings {
            let sides = setting.split(separator: "=", maxSplits: 1).map(String.init)
            values.removeAll { $0.0 == sides[0] }
            values.append((sides[0], sides[1]))
        }
        var yaml: [String] = []
        var lines: [String: Int] = [:]
        var done: Set<String> = []
        for (path, value) in values {
            let parts = path.split(separator: ".").map(String.init)
            guard parts.count == 2 else {
                yaml.append("\(path): \(value)")
                lines[path] = yaml.count
                continue
            }
            guard done.insert(parts[0]).inserted else { continue }
            yaml.append("\(parts[0]):")
            for (sibling, value) in values where sibling.hasPrefix(parts[0] + ".") {
                yaml.append("  \(sibling.dropFirst(parts[0].count + 1)): \(value)")
                lines[sibling] = yaml.count
            }
        }
        return (yaml.joined(separator: "\n") + "\n", lines)
    }
}

extension Refusal: CustomTestStringConvertible {
    var testDescription: String { settings.joined(separator: " ") }
}

extension Refusal {
    static let mixers = ["hetlora", "flexlora", "fedex-lora", "flora"]
    static let scaffold = ["federation.strategy=scaffold", "training.optimizer=sgd"]
    static let fedSA = ["federation.aggregation=fedsa", "evaluation.source=workers"]
    static let local = ["federation.personalisation=local-adapter", "evaluation.source=workers"]
    static let ternary = "compression.uplink=ternary:density=0.1"
    static let asynchronous = "federation.schedule=asynchronous"
    static let budget = ["privacy.epsilon=8", "privacy.delta=1e-5", "privacy.clip=1"]
    static let central = ["privacy.mechanism=central", "federation.deadline=1m"] + budget
    static let correlated = ["privacy.mechanism=dp-ftrl"] + budget
    static let noisy = ["privacy.mechanism=local"] + budget
    static let distributed = ["privacy.mechanism=distributed"] + budget
    static let sharing = distributed + ["privacy.secure-aggregation=true", "privacy.mask-clip=0.5"]
    static let exampleNoise = ["privacy.example-clip=1", "privacy.example-noise-multiplier=1"]
    static let capped = "federation.weight-cap=100"
    static let unclipped = ["privacy.secure-aggregation=true", capped]
    static let masked = unclipped + ["privacy.mask-clip=0.5"]
    static let fleet = ["federation.workers=40", "federation.workers-per-round=10"]
    static let robust = fleet + ["federation.robust=[median]"]

    /// The same for each of several values of a key, which comes first.
    static func each(
        _ key: String, of values: [String], with settings: [String], at place: String? = nil, _ remedy: String,
        others: Int = 0
    ) -> [Refusal] {
        values.map { Refusal(["\(key)=\($0)"] + settings, at: place, remedy, others: others) }
    }
}
