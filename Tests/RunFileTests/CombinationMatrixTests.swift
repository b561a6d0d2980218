import RunFile
import Testing

/// Every pair of an algorithm's settings with one of another kind: refused or accepted as the guide on algorithms says.
@Suite("Pairs of algorithms")
struct CombinationMatrixTests {
    /// Settings by name, each with what it needs to stand alone. No two of a kind go together.
    private static let kinds: [[String: [String]]] = [
        settings(
            "federation.strategy",
            ["fedprox", "fedavgm", "fedadam", "fedyogi", "fedadagrad", "diloco", "fednova", "q-fedavg"],
            ["scaffold": Refusal.scaffold]),
        settings(
            "federation.aggregation", Refusal.mixers + ["ffa-lora", "rolora", "fed-sb"], ["fedsa": Refusal.fedSA]),
        settings("federation.schedule", ["asynchronous"]),
        settings("federation.selection", ["data-size", "availability", "fair"]),
        settings("compression.uplink", ["bfloat16", "int8", "eden", "trellis", "ternary", "topk"]),
        ["lossy downlink": ["compression.downlink=int8"]],
        [
            "central": Refusal.central, "dp-ftrl": Refusal.correlated, "local": Refusal.noisy, "masks": Refusal.masked,
            "withheld": ["privacy.metrics=withheld"],
        ],
        ["local-adapter": Refusal.local], ["robust": Refusal.robust], ["dora": ["adapter.method=dora"]],
        ["passes": ["training.local-epochs=1"]],
    ]

    private static func settings(
        _ key: String, _ values: [String], _ others: [String: [String]] = [:]
    ) -> [String: [String]] {
        values.reduce(into: others) { $0[$1] = ["\(key)=\($1)"] }
    }

    private static let biased = ["bfloat16", "int8", "ternary", "topk"]
    private static let private3 = ["central", "dp-ftrl", "local"]

    /// What each does not go with; each pair stands once.
    private static let refused: [String: [String]] = [
        "fedavgm": Refusal.mixers, "fedadam": Refusal.mixers, "fedyogi": Refusal.mixers, "fedadagrad": Refusal.mixers,
        "diloco": Refusal.mixers, "fednova": Refusal.mixers + private3 + ["masks", "robust"],
        "q-fedavg": Refusal.mixers + private3 + ["masks", "robust", "asynchronous"],
        "scaffold": Refusal.mixers + private3 + biased
            + ["rolora", "fedsa", "masks", "robust", "asynchronous", "lossy downlink"],
        "rolora": ["asynchronous", "dp-ftrl"],
        "hetlora": mixed, "fedex-lora": mixed, "flexlora": mixed + biased, "flora": mixed + biased,
        "fedsa": private3 + ["masks", "asynchronous", "local-adapter", "dora"],
        "fed-sb": ["local-adapter", "dora"],
        "asynchronous": private3 + ["masks", "robust", "local-adapter"],
        "data-size": private3 + ["masks", "robust"],
        "availability": ["central", "robust"], "fair": ["central", "robust"],
        "masks": biased + ["eden", "trellis", "local-adapter", "robust"],
        "local-adapter": private3 + ["dora"],
        "withheld": ["q-fedavg", "data-size", "passes"], "passes": private3 + ["masks"],
        "robust": ["central", "dp-ftrl"],
    ]
    /// Methods that multiply workers' factors.
    private static let mixed = [
        "central", "dp-ftrl", "masks", "robust", "asynchronous", "lossy downlink", "local-adapter", "dora",
    ]

    private static func isRefused(_ settings: [String]) -> Bool {
        do {
            _ = try RunConfiguration(yaml: Minimal.yaml, overrides: settings)
            return false
        } catch { return true }
    }

    @Test("each setting is accepted by itself")
    func alone() {
        for (name, settings) in Self.kinds.flatMap({ $0 }) { #expect(!Self.isRefused(settings), "\(name)") }
    }

    @Test("exactly those are refused that cannot work")
    func pairs() {
        let wanted = Set(Self.refused.flatMap { name, others in others.map { Set([name, $0]) } })
        var count = 0
        for (place, kind) in Self.kinds.enumerated() {
            for other in Self.kinds[(place + 1)...] {
                for (first, second) in kind.flatMap({ one in other.map { (one, $0) } }) {
                    let isRefused = Self.isRefused(first.value + second.value)
                    #expect(
                        isRefused == wanted.contains([first.key, second.key]),
                        "\(first.key) with \(second.key) is \(isRefused ? "refused" : "accepted")")
                    count += isRefused ? 1 : 0
                }
            }
        }
        #expect(count == wanted.count)
    }
}
