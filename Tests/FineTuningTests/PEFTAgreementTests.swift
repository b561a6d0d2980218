import FineTuning
import FixtureFiles
import Foundation
import LanguageModel
import ModelFiles
import Randomness
import Recipe
import Testing

/// Plans against adapters that PEFT saved for the same settings and models.
@Suite("Adapters as PEFT makes them")
struct PEFTAgreementTests {
    let expected: PEFTTargets
    let stored: (configuration: AdapterConfiguration, layout: AdapterLayout, values: [Float])
    let layers: [LinearLayer]
    let savedModules: [SavedModule]

    /// Run-file options cannot name single layers by number.
    static let names = PEFTTargets.names.filter { $0 != "layers" }
    /// A folder to leave what Shoal writes in, for `make_targets.py --load`.
    static let output = ProcessInfo.processInfo.environment["SHOAL_WRITTEN_ADAPTERS"]

    init() throws {
        try self.init("dora")
    }

    init(_ name: String) throws {
        expected = try PEFTTargets.load(name)
        stored = try AdapterDirectory.read(PEFTTargets.directory(name))
        layers = expected.linear.map {
            LinearLayer(
                name: $0.name, inputs: $0.inputs, outputs: $0.outputs, isOutputHead: $0.isOutputHead,
                isConv1D: $0.isConv1D)
        }
        let saved = Set(expected.saved)
        savedModules = expected.linear.filter { saved.contains($0.name) }.map {
            SavedModule(name: $0.name, inputs: $0.inputs, outputs: $0.outputs, hasBias: $0.hasBias)
        }
    }

    /// The run-file options that stand for PEFT's settings of a fixture.
    func options(_ name: String) -> AdapterOptions {
        let configuration = stored.configuration
        let targets: AdapterOptions.Targets =
            switch configuration.targetModules {
            case _ where name.contains("all-linear") || name == "exclude-regex": .allLinear
            case .named(let names): .named(names)
            case .pattern(let pattern): .pattern(pattern)
            case .allLinear: .allLinear
            }
        let exclusion: AdapterOptions.Exclusion =
            switch configuration.excludedModules {
            case .none: .none
            case .named(let names): .named(names)
            case .pattern(let pattern): .pattern(pattern)
            }
        return AdapterOptions(
            method: configuration.isWeightDecomposed ? .dora : .lora, rank: configuration.rank,
            alpha: configuration.alpha, scaling: configuration.isRankStabilised ? .rankStabilised : .standard,
            targets: targets, exclusion: exclusion, rankPattern: configuration.rankPattern,
            alphaPattern: configuration.alphaPattern)
    }

    @Test("tensors, ranks, scales and the configuration are PEFT's", arguments: names)
    func plans(_ name: String) throws {
        let fixture = try Self(name)
        let plan = try AdapterPlan(
            options: fixture.options(name), model: fixture.layers, savedModules: fixture.savedModules)
        #expect(plan.layout == fixture.stored.layout)
        #expect(
            Dictionary(uniqueKeysWithValues: plan.targets.map { ($0.layer, [Double($0.rank), Double($0.scale)]) })
                == fixture.expected.targets.mapValues { [$0[0], Double(Float($0[1]))] })
        #expect(plan.configuration(baseModel: nil).inOrder == fixture.stored.configuration.inOrder)
        #expect(plan.accepts(layout: fixture.stored.layout, configuration: fixture.stored.configuration))
    }

    @Test("a stored adapter binds to the model as its plan does", arguments: names)
    func binds(_ name: String) throws {
        let fixture = try Self(name)
        let plan = try AdapterPlan(
            options: fixture.options(name), model: fixture.layers, savedModules: fixture.savedModules)
        let adapter = try LowRankAdapter(
            binding: fixture.stored.layout, values: fixture.stored.values,
            configuration: fixture.stored.configuration, to: fixture.layers, savedModules: fixture.savedModules)
        #expect(Set(adapter.targets) == Set(plan.targets))
        #expect(Set(adapter.saved) == Set(plan.saved))
    }

    @Test("DoRA starts with the magnitudes that PEFT starts with", arguments: names.filter { $0.contains("dora") })
    func magnitudes(_ name: String) throws {
        let fixture = try Self(name)
        let plan = try AdapterPlan(
            options: fixture.options(name), model: fixture.layers, savedModules: fixture.savedModules)
        let adapter = plan.initialAdapter(random: CounterRandom(key: 1)) { fixture.expected.rowNorms[$0] ?? [] }
        for (target, layer) in zip(plan.targets, plan.layers) {
            let offset = try #require(target.magnitudeOffset)
            for index in offset..<offset + layer.outputs {
                #expect(abs(adapter.values[index] - fixture.stored.values[index]) < 1e-6)
            }
        }
    }

    @Test("PEFT is given what it loads, by hand", .enabled(if: output != nil), arguments: names)
    func written(_ name: String) throws {
        let fixture = try Self(name)
        let plan = try AdapterPlan(
            options: fixture.options(name), model: fixture.layers, savedModules: fixture.savedModules)
        let adapter = plan.initialAdapter(random: CounterRandom(key: 1)) {
            fixture.expected.rowNorms[$0]?.map { $0 * 1.5 } ?? []
        }
        try AdapterDirectory.write(
            configuration: plan.configuration(baseModel: nil), layout: plan.layout, values: adapter.values,
            labels: fixture.savedModules.isEmpty ? [] : ["no", "yes"], to: try #require(Self.output) + "/" + name)
    }

    @Test("an adapter whose targets and tensors disagree is refused")
    func disagreement() throws {
        func bind(_ change: (inout AdapterConfiguration) -> Void) throws {
            var configuration = stored.configuration
            change(&configuration)
            _ = try LowRankAdapter(
                binding: stored.layout, values: stored.values, configuration: configuration, to: layers)
        }
        try bind { _ in }
        #expect(
            throws: AdapterBindingError.selectionMismatch(layer: "model.layers.0.self_attn.k_proj", isSelected: true)
        ) { try bind { $0.targetModules = .named(["q_proj", "k_proj", "down_proj"]) } }
        #expect(
            throws: AdapterBindingError.selectionMismatch(layer: "model.layers.0.mlp.down_proj", isSelected: false)
        ) { try bind { $0.targetModules = .named(["q_proj"]) } }
        #expect(throws: AdapterBindingError.self) { try bind { $0.rankPattern = [:] } }
        #expect(throws: AdapterBindingError.self) { try bind { $0.isWeightDecomposed = false } }
    }

    @Test("a head's tensors must be there, fit, and belong to the model")
    func heads() throws {
        let fixture = try Self("bert-classes")
        func bind(_ modules: [SavedModule]) throws {
            _ = try LowRankAdapter(
                binding: fixture.stored.layout, values: fixture.stored.values,
                configuration: fixture.stored.configuration, to: fixture.layers, savedModules: modules)
        }
        #expect(throws: AdapterBindingError.unknownTensor(tensor: "base_model.model.classifier.bias")) { try bind([]) }
        let wide = SavedModule(name: "classifier", inputs: 8, outputs: 2, hasBias: true)
        #expect {
            try bind([wide])
        } throws: { "\($0)".contains("shape [3], the model needs [2]") }
        let second = SavedModule(name: "pre_classifier", inputs: 8, outputs: 8, hasBias: false)
        #expect(throws: AdapterBindingError.missingSavedTensor(tensor: "base_model.model.pre_classifier.weight")) {
            try bind(fixture.savedModules + [second])
        }
    }
}

extension AdapterConfiguration {
    /// PEFT writes its sets in any order.
    fileprivate var inOrder: AdapterConfiguration {
        var copy = self
        if case .named(let names) = targetModules { copy.targetModules = .named(names.sorted()) }
        if case .named(let names) = excludedModules { copy.excludedModules = .named(names.sorted()) }
        copy.modulesToSave.sort()
        return copy
    }
}
