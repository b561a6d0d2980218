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

    @Test("dropout is refused with DoRA, and each is accepted alone")
    func dropoutWithDora() throws {
        #expect(throws: AdapterPlanError.dropoutWithDora(0.1)) {
            try AdapterPlan(options: AdapterOptions(method: .dora, dropout: 0.1), model: layers)
        }
        #expect(try AdapterPlan(options: AdapterOptions(method: .dora), model: layers).layers.count == 3)
        #expect(try AdapterPlan(options: AdapterOptions(dropout: 0.1), model: layers).layers.count == 3)
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

    @Test("what matches nothing is refused with the names that exist")
    func idlePatterns() {
        func message(_ change: (inout AdapterOptions) -> Void) -> String {
            var options = AdapterOptions(rank: 2, alpha: 4)
            change(&options)
            do throws(AdapterPlanError) {
                _ = try AdapterPlan(options: options, model: layers)
                return "accepted"
            } catch {
                return error.description
            }
        }
        let all = "model.layers.N.self_attn.q_proj, model.layers.N.mlp.down_proj, lm_head"
        let targets = "model.layers.N.self_attn.q_proj, model.layers.N.mlp.down_proj"
        #expect(
            message { $0.targets = .pattern("q_proj.*") }
                == "adapter.targets: 'q_proj.*' matches no layer; there are \(all)")
        #expect(
            message { $0.exclusion = .pattern("q_proj.*") }
                == "adapter.exclude: 'q_proj.*' matches no layer; there are \(all)")
        #expect(
            message { $0.exclusion = .named(["q_proj", "proj"]) }
                == "adapter.exclude: 'proj' matches no layer; there are \(all)")
        #expect(
            message { $0.rankPattern = ["lm_head": 4] }
                == "adapter.rank-pattern: 'lm_head' matches no layer; there are \(targets)")
        #expect(
            message { $0.alphaPattern = ["q_pro": 4] }
                == "adapter.alpha-pattern: 'q_pro' matches no layer; there are \(targets)")
        #expect(message { $0.exclusion = .pattern(".*") }.contains("leaves nothing"))
        #expect(message { $0.targets = .pattern("(") }.contains("'(' is not supported"))
        #expect(message { $0.rankPattern = ["q_proj": 0] }.contains("at least 1"))
    }

    @Test("a head trains whole beside the adapter: normal weights of its own deviation, biases zero, never adapted")
    func head() throws {
        let head = SavedModule(name: "classifier", inputs: 100, outputs: 40, hasBias: true, initialDeviation: 0.05)
        let linear = layers.dropLast() + [LinearLayer(name: "classifier", inputs: 100, outputs: 40)]
        let plan = try AdapterPlan(options: AdapterOptions(rank: 2, alpha: 4), model: linear, savedModules: [head])
        #expect(plan.layers.map(\.name) == layers.dropLast().map(\.name))
        #expect(plan.saved.map(\.name) == ["classifier.weight", "classifier.bias"])
        #expect(plan.saved.map(\.shape) == [[40, 100], [40]])
        let adapter = plan.initialAdapter(random: CounterRandom(key: 5))
        let weights = adapter.values[plan.saved[0].offset..<plan.saved[0].offset + 4_000].map(Double.init)
        let mean = weights.reduce(0, +) / 4_000
        let deviation = (weights.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4_000).squareRoot()
        // Five standard errors.
        #expect(abs(mean) < 0.004 && abs(deviation - 0.05) < 0.0028)
        #expect(adapter.values[plan.saved[1].offset..<plan.saved[1].offset + 40].allSatisfy { $0 == 0 })
        let configuration = plan.configuration(baseModel: nil)
        #expect(configuration.taskType == "SEQ_CLS" && configuration.modulesToSave == ["classifier", "score"])
        // The factors begin as they do without a head.
        let plain = try AdapterPlan(options: plan.options, model: layers).initialAdapter(random: CounterRandom(key: 5))
        for (with, without) in zip(plan.targets, plain.targets) {
            #expect(adapter.values[with.offsetA] == plain.values[without.offsetA])
        }
        #expect(throws: AdapterPlanError.targetTrainsWhole("pre_classifier")) {
            _ = try AdapterPlan(
                options: AdapterOptions(targets: .named(["pre_classifier"])),
                model: [LinearLayer(name: "pre_classifier", inputs: 2, outputs: 2)], savedModules: [head])
        }
    }
}
