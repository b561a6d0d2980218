import FixtureFiles
import FoundationEssentials
import ModelFiles
import Testing

@Suite("PEFT adapter directories")
struct AdapterDirectoryTests {
    /// What Python read back from PEFT's own file: names, shapes and the float32 bits in name order.
    struct Expected: Decodable {
        let tensors: [Tensor]
        let float32Bits: [UInt32]

        struct Tensor: Decodable, Equatable {
            let name: String
            let shape: [Int]

            init(name: String, shape: [Int]) {
                self.name = name
                self.shape = shape
            }

            init(from decoder: any Decoder) throws {
                var pair = try decoder.unkeyedContainer()
                name = try pair.decode(String.self)
                shape = try pair.decode([Int].self)
            }
        }

        enum CodingKeys: String, CodingKey {
            case tensors
            case float32Bits = "float32_bits"
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let rank: Int
        let alpha: Double
        let dropout: Double
        let isRankStabilised: Bool
        let scale: Double
    }

    @Test(
        "adapters saved by PEFT are read",
        arguments: [
            Case(testDescription: "named", rank: 2, alpha: 4, dropout: 0.05, isRankStabilised: false, scale: 2),
            Case(
                testDescription: "rslora_bfloat16", rank: 3, alpha: 16.5, dropout: 0, isRankStabilised: true,
                scale: 9.526279441628825),
            Case(
                testDescription: "pattern_float16", rank: 2, alpha: 4, dropout: 0, isRankStabilised: false, scale: 2),
        ])
    func readsPEFT(_ given: Case) throws {
        let directory = FixtureFiles.path("peft/" + given.testDescription)
        let (configuration, layout, values) = try AdapterDirectory.read(directory)
        #expect(configuration.rank == given.rank)
        #expect(configuration.alpha == given.alpha)
        #expect(configuration.dropout == given.dropout)
        #expect(configuration.isRankStabilised == given.isRankStabilised)
        #expect(abs(configuration.scale - given.scale) < 1e-12)
        #expect(configuration.taskType == "CAUSAL_LM")
        let expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: URL(filePath: directory + "/expected.json")))
        #expect(layout.entries.map { Expected.Tensor(name: $0.name, shape: $0.shape) } == expected.tensors)
        #expect(values.map(\.bitPattern) == expected.float32Bits)
    }

    @Test("target modules are read as a list or a pattern")
    func targetModules() throws {
        let named = try AdapterDirectory.read(FixtureFiles.path("peft/named")).configuration
        guard case .named(let names) = named.targetModules else {
            Issue.record("\(named.targetModules)")
            return
        }
        #expect(Set(names) == ["q_proj", "v_proj"])
        let pattern = try AdapterDirectory.read(FixtureFiles.path("peft/pattern_float16")).configuration
        #expect(pattern.targetModules == .pattern(#".*\.0\.mlp\.(up|down)_proj"#))
    }

    @Test("what is written is read back, and its tensors are PEFT's file byte for byte")
    func roundTrip() throws {
        let folder = ScratchFolder()
        let source = FixtureFiles.path("peft/named")
        let (configuration, layout, values) = try AdapterDirectory.read(source)
        try AdapterDirectory.write(
            configuration: configuration, layout: layout, values: values, to: folder.file("adapter"))
        let again = try AdapterDirectory.read(folder.file("adapter"))
        #expect(again.configuration == configuration)
        #expect(again.layout == layout)
        #expect(again.values == values)
        #expect(
            try MappedFile(path: folder.file("adapter/adapter_model.safetensors")).copy()
                == MappedFile(path: source + "/adapter_model.safetensors").copy())
    }

    static func adapter(_ tensors: [(name: String, shape: [Int], values: [Float])]) throws -> ScratchFolder {
        let folder = ScratchFolder()
        try AtomicFile.write(
            AdapterConfiguration(rank: 2, alpha: 4, targetModules: .allLinear).encoded(),
            to: folder.file("adapter_config.json"))
        try AtomicFile.write(SafetensorsWriter.encode(tensors), to: folder.file("adapter_model.safetensors"))
        return folder
    }

    @Test("a tensor that is no factor, half a pair and a wrong rank are refused by name")
    func badTensors() throws {
        let a = AdapterTensorName(layer: "m.q", factor: .a).description
        let b = AdapterTensorName(layer: "m.q", factor: .b).description
        let zeros = [Float](repeating: 0, count: 6)
        var folder = try Self.adapter([(a, [2, 3], zeros), (b, [3, 2], zeros), ("base_model.model.norm", [6], zeros)])
        #expect(
            throws: AdapterDirectoryError.unexpectedTensor(directory: folder.path, tensor: "base_model.model.norm")
        ) { try AdapterDirectory.read(folder.path) }
        folder = try Self.adapter([(a, [2, 3], zeros)])
        #expect(throws: AdapterDirectoryError.missingFactor(directory: folder.path, tensor: b)) {
            try AdapterDirectory.read(folder.path)
        }
        folder = try Self.adapter([(a, [3, 2], zeros), (b, [3, 2], zeros)])
        #expect(
            throws: AdapterDirectoryError.wrongShape(
                directory: folder.path, tensor: a, shape: [3, 2], expected: "[2, in]")
        ) { try AdapterDirectory.read(folder.path) }
    }

    @Test("a missing configuration and pickled weights are named")
    func missingFiles() throws {
        let folder = ScratchFolder()
        #expect {
            try AdapterDirectory.read(folder.path)
        } throws: { "\($0)".contains("adapter_config.json: No such file") }
        try AtomicFile.write(
            AdapterConfiguration(rank: 2, alpha: 4, targetModules: .allLinear).encoded(),
            to: folder.file("adapter_config.json"))
        #expect {
            try AdapterDirectory.read(folder.path)
        } throws: { "\($0)".contains("adapter_model.safetensors: No such file") }
        try AtomicFile.write([0x80], to: folder.file("adapter_model.bin"))
        #expect(throws: AdapterDirectoryError.pickledWeights(directory: folder.path)) {
            try AdapterDirectory.read(folder.path)
        }
    }

    @Test(
        "tensor names are PEFT's, and nothing else parses",
        arguments: [
            "", "lora_A", "x.lora_A.weight", "base_model.model.lora_A.weight", "base_model.model.q.lora_C.weight",
            "base_model.model.q.lora_A.bias",
        ])
    func names(bad: String) throws {
        let text = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
        let name = try #require(AdapterTensorName(text))
        #expect(name.layer == "model.layers.0.self_attn.q_proj" && name.factor == .a && name.description == text)
        #expect(AdapterTensorName(bad) == nil)
    }

    @Test("layers that the configuration does not target, and missing magnitudes, are refused")
    func disagreement() throws {
        let folder = ScratchFolder()
        let (configuration, layout, values) = try AdapterDirectory.read(PEFTTargets.directory("dora"))
        func read(_ change: (inout AdapterConfiguration) -> Void) throws {
            var changed = configuration
            change(&changed)
            try AdapterDirectory.write(configuration: changed, layout: layout, values: values, to: folder.file("a"))
            _ = try AdapterDirectory.read(folder.file("a"))
        }
        try read { _ in }
        #expect(
            throws: AdapterDirectoryError.unselectedLayer(
                directory: folder.file("a"), layer: "model.layers.0.mlp.down_proj")
        ) { try read { $0.targetModules = .named(["q_proj"]) } }
        #expect(
            throws: AdapterDirectoryError.unexpectedTensor(
                directory: folder.file("a"),
                tensor: "base_model.model.model.layers.0.mlp.down_proj.lora_magnitude_vector")
        ) { try read { $0.isWeightDecomposed = false } }
        #expect {
            try read { $0.rankPattern = [:] }
        } throws: { "\($0)".contains("asks for [2, in]") }
        let plain = try AdapterDirectory.read(PEFTTargets.directory("list"))
        var weightDecomposed = plain.configuration
        weightDecomposed.isWeightDecomposed = true
        try AdapterDirectory.write(
            configuration: weightDecomposed, layout: plain.layout, values: plain.values, to: folder.file("b"))
        #expect {
            try AdapterDirectory.read(folder.file("b"))
        } throws: { "\($0)".contains("proj.lora_magnitude_vector") }
    }

    @Test("class names stand beside the adapter, in order")
    func labels() throws {
        let folder = ScratchFolder()
        let (configuration, layout, values) = try AdapterDirectory.read(PEFTTargets.directory("bert-classes"))
        try AdapterDirectory.write(
            configuration: configuration, layout: layout, values: values, labels: ["no", "yes", "maybe \"ü\""],
            to: folder.file("a"))
        #expect(try AdapterDirectory.labels(folder.file("a")) == ["no", "yes", "maybe \"ü\""])
        #expect(try AdapterDirectory.read(folder.file("a")).layout == layout)
        try AdapterDirectory.write(configuration: configuration, layout: layout, values: values, to: folder.file("a"))
        #expect(try AdapterDirectory.labels(folder.file("a")) == nil)
        for bad in ["{}", "[1]", #"["a","a"]"#, "["] {
            try AtomicFile.write(Array(bad.utf8), to: folder.file("labels.json"))
            #expect(throws: AdapterDirectoryError.self) { try AdapterDirectory.labels(folder.path) }
        }
    }
}
