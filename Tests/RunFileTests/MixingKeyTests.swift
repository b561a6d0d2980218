import Federation
import Recipe
import RunFile
import Testing

@Suite("A run file's ranks and methods that mix factors")
struct MixingKeyTests {
    private func load(_ overrides: String...) throws -> RunConfiguration {
        try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
    }

    @Test("a rank is a number, a list or auto")
    func ranks() throws {
        #expect(try load().ranks.workerRanks == .same(8))
        let dealt = try load("adapter.rank=[4, 8, 16, 8]", "federation.aggregation=hetlora")
        #expect(dealt.ranks.workerRanks == .dealt([4, 8, 16, 8]) && dealt.adapter.rank == 16)
        let auto = try load("adapter.rank=auto", "federation.aggregation=flexlora")
        #expect(auto.ranks.workerRanks == .byResources(4...16) && auto.adapter.rank == 16)
        let bounded = try load(
            "adapter.rank=auto", "adapter.minimum-rank=32", "federation.aggregation=flora")
        #expect(bounded.ranks.workerRanks == .byResources(32...32) && bounded.federation.residualRank == 256)
        for run in [dealt, auto, bounded] { #expect(try RunConfiguration(canonicalJSON: run.canonicalJSON) == run) }
    }

    @Test("a residual's bound is there for the methods that keep one")
    func residualRank() throws {
        #expect(try load("federation.aggregation=fedex-lora").federation.residualRank == 64)
        #expect(
            try load("federation.aggregation=flora", "federation.residual-rank=12").federation.residualRank == 12)
        #expect(try load("federation.aggregation=flexlora").federation.residualRank == nil)
    }

    @Test(
        "impossible combinations are refused with the remedy",
        arguments: [
            (["adapter.rank=auto"], "needs one; set the aggregation to hetlora, flexlora, flora"),
            (["adapter.rank=[4, 8]", "federation.aggregation=fedex-lora"], "or the rank to one number"),
            (["adapter.rank=[4, 8]", "federation.aggregation=ffa-lora"], "needs one"),
            (["adapter.rank=[4, 8]", "federation.aggregation=rolora"], "needs one"),
            (["adapter.minimum-rank=4"], "'adapter.minimum-rank' is used only with 'adapter.rank: auto'"),
            (["adapter.maximum-rank=4"], "'adapter.maximum-rank' is used only with 'adapter.rank: auto'"),
            (
                [
                    "adapter.maximum-rank=4", "adapter.minimum-rank=5", "adapter.rank=auto",
                    "federation.aggregation=hetlora",
                ], "lower it"
            ),
            (
                ["federation.aggregation=flexlora", "federation.strategy=fedavgm"],
                "set the strategy to fedavg or fedprox"
            ),
            (["federation.aggregation=hetlora", "federation.strategy=diloco"], "or the aggregation to separate"),
            (["federation.aggregation=flora", "federation.strategy=q-fedavg"], "set the strategy to fedavg"),
            (["federation.aggregation=fedex-lora", "federation.strategy=fednova"], "set the strategy to fedavg"),
            (["federation.aggregation=flora", "adapter.method=dora"], "set 'adapter.method: lora'"),
            (
                ["federation.aggregation=flexlora", "compression.uplink=ternary:density=0.1"],
                "set 'compression.error-feedback: false'"
            ),
            (
                ["federation.aggregation=flora", "compression.uplink=topk:density=0.1"],
                "change their basis every round"
            ),
            (["federation.weight-cap=9", "federation.aggregation=hetlora"], "weighs workers by the norm"),
            (["federation.residual-rank=9", "federation.aggregation=hetlora"], "remove it or set one of them"),
            (["adapter.dropout=0.1", "federation.aggregation=fedex-lora"], "inputs of the residual"),
        ])
    func refusals(_ overrides: [String], _ remedy: String) {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
        }
        #expect(error?.problems.count == 1)
        #expect(error?.description.hasPrefix("--set ") == true)
        #expect(error?.description.contains(remedy) == true)
    }

    @Test("what can work together is accepted")
    func accepted() throws {
        _ = try load("federation.aggregation=hetlora", "compression.uplink=ternary:density=0.1")
        _ = try load("federation.aggregation=fedex-lora", "compression.uplink=ternary:density=0.1")
        _ = try load(
            "federation.aggregation=flexlora", "compression.uplink=ternary:density=0.1",
            "compression.error-feedback=false", "adapter.rank=[4, 8]", "federation.strategy=fedprox")
    }

    @Test(
        "values of another kind are refused",
        arguments: [
            "adapter.rank=[8]", "adapter.rank=[4, x]", "adapter.rank=[4, 0]", "adapter.rank=any",
            "adapter.minimum-rank=0", "federation.residual-rank=0", "federation.aggregation=fedex",
        ])
    func kinds(_ override: String) {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: [override])
        }
        #expect(error?.description.contains(" must be ") == true)
    }
}
