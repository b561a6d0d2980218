import FineTuning
import LanguageModel
import ModelFiles
import Randomness
import Recipe
import Testing

@Suite("Planning an adapter")
struct AdapterPlanTests {
    private let layers = [
        LinearLayer(name: "model.layers.0.self_attn.q_proj", inputs: 6, outputs: 8),
        LinearLayer(name: "model.layers.0.mlp.down_proj", inputs: 10, outputs: 6),
        LinearLayer(name: "model.layers.1.self_attn.q_proj", inputs: 6, outputs: 8),
        LinearLayer(name: "lm_head", inputs: 6, outputs: 20, isOutputHead: true),
    ]

    private func plan(_ targets: AdapterOptions.Targets, rank: Int = 2) throws -> AdapterPlan {
        try AdapterPlan(options: AdapterOptions(rank: rank, alpha: 4, targets: targets), model: layers)
    }

    @Test("all-linear leaves the output head out")
    func allLinear() throws {
        let plan = try plan(.allLinear)
        #expect(plan.layers.map(\.name) == layers.dropLast().map(\.name))
        #expect(plan.layout.parameterCount == 2 * (6 + 8) + 2 * (10 + 6) + 2 * (6 + 8))
    }

    @Test("a name selects by its last component, as PEFT does, or by the whole path")
    func named() throws {
        #expect(try plan(.named(["q_proj"])).layers.count == 2)
        #expect(try plan(.named(["model.layers.1.self_attn.q_proj"])).layers.count == 1)
        #expect(try plan(.named(["proj"]), orNothing: "proj"))
    }

    private func plan(_ targets: AdapterOptions.Targets, orNothing name: String) throws -> Bool {
        do throws(AdapterPlanError) {
            _ = try AdapterPlan(options: AdapterOptions(targets: targets), model: layers)
            return false
        } catch {
            return error == .targetMatchesNothing(name, available: ["down_proj", "lm_head", "q_proj"])
        }
    }

    @Test("rank 0 and an empty list of targets are refused")
    func refused() {
        #expect(throws: AdapterPlanError.rankTooSmall(0)) { try plan(.allLinear, rank: 0) }
        #expect(throws: AdapterPlanError.noTargets) { try plan(.named([])) }
    }

    @Test("starts with B at zero and A uniform within ±1/√in, the same for the same seed")
    func initialisation() throws {
        let plan = try plan(.allLinear)
        let key = StreamKey(seed: 3, purpose: .adapterInitialisation)
        let adapter = plan.initialAdapter(random: key.generator())
        #expect(adapter.values == plan.initialAdapter(random: key.generator()).values)
        for (layer, target) in zip(plan.layers, plan.targets) {
            let factorA = adapter.values[target.offsetA..<target.offsetA + 2 * layer.inputs]
            let bound = 1 / Float(layer.inputs).squareRoot()
            #expect(factorA.allSatisfy { abs($0) <= bound } && Set(factorA).count == factorA.count)
            #expect(adapter.values[target.offsetB..<target.offsetB + 2 * layer.outputs].allSatisfy { $0 == 0 })
        }
    }

    @Test("rank-stabilised scaling divides alpha by the root of the rank")
    func scaling() throws {
        let options = AdapterOptions(rank: 16, alpha: 8, scaling: .rankStabilised)
        #expect(try AdapterPlan(options: options, model: layers).targets[0].scale == 2)
        #expect(try AdapterPlan(options: AdapterOptions(rank: 16, alpha: 8), model: layers).targets[0].scale == 0.5)
    }
}
