import Federation
import FixtureFiles
import ModelFiles

/// Files that come with an adapter or name a model's files.
enum AdapterFuzzing {
    // MARK: Tensors

    static func readSafetensors(_ bytes: [UInt8]) throws -> Bool {
        guard let file = try? SafetensorsFile(bytes: bytes, name: "f") else { return false }
        var read = 0
        for tensor in file.tensors {
            read += tensor.withBytes { $0.reduce(into: 0) { count, _ in count += 1 } }
            if let values = try? tensor.float32Values() {
                try expect(values.count == tensor.count, "\(tensor.name): \(values.count) values")
            }
        }
        try expect(read < bytes.count, "tensors of \(read) bytes in a file of \(bytes.count)")
        if let (layout, values) = try? AdapterObject.decode(bytes) {
            try expect(layout.parameterCount == values.count, "a layout of other values")
            let again = try? AdapterObject.decode(AdapterObject.encode(layout: layout, values: values))
            try expect(again?.layout == layout, "an adapter that is not read as it was written")
        }
        // The same format also carries what the server added to the base, and its own vectors.
        if let residual = try? AdapterResidual(decoding: bytes) {
            let factors = residual.factors
            try expect(factors.layers.allSatisfy { $0.rank >= 1 }, "a layer of rank 0")
            try expect(factors.layers.count * 2 == residual.layout.entries.count, "factors without a layer")
        }
        if let state = try? ServerOptimizerState(decoding: bytes) {
            try expect(state.vectors.count == file.tensors.count, "\(state.vectors.count) vectors")
        }
        return true
    }

    static func safetensorsSeeds() -> [[UInt8]] {
        let header =
            #"{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[],"#
            + #""data_offsets":[4,6]},"i":{"dtype":"I64","shape":[1,0],"data_offsets":[6,6]}}"#
        let size = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
        return [
            SafetensorsWriter.encode([("a.lora_A.weight", [2, 3], [1, 2, 3, 4, 5, 6])], metadata: ["format": "pt"]),
            SafetensorsWriter.encode([("a", [1], [1]), ("b", [2, 1], [-2, 3])]),
            SafetensorsWriter.encode([
                ("base_model.model.x.lora_A.weight", [1, 3], [1, 2, 3]),
                ("base_model.model.x.lora_B.weight", [2, 1], [4, 5]),
            ]),
            size + Array(header.utf8) + [0, 0x3C, 1, 2, 0x80, 0x3F],
            [2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8),
        ]
    }

    // MARK: A PEFT folder

    /// The adapter of a fixture under another configuration.
    static func reader() throws -> FuzzTarget.Reader {
        let file = try InputFile(AdapterDirectory.configurationFile)
        try file.link(
            AdapterDirectory.weightsFile, to: FixtureFiles.path("llama/gqa/adapter/" + AdapterDirectory.weightsFile))
        let modules = ["model.layers.0.self_attn.q_proj", "model.layers.11.mlp.down_proj", "lm_head", ""]
        return { bytes in
            guard let configuration = try? AdapterConfiguration(decoding: bytes) else { return false }
            let again = try? AdapterConfiguration(decoding: configuration.encoded())
            try expect(again == configuration, "a configuration that is not read as it was written")
            if let targeting = try? AdapterTargeting(configuration) {
                for module in modules where targeting.selects(module) {
                    try expect(targeting.rank(of: module) > 0, "\(module): no rank")
                    try expect(!targeting.scale(of: module).isNaN, "\(module): no scale")
                }
            }
            try file.write(bytes)
            _ = try? AdapterDirectory.read(file.folder)
            return true
        }
    }

    static func seeds() -> [[UInt8]] {
        [
            #"{"peft_type":"LORA","task_type":"CAUSAL_LM","base_model_name_or_path":"m","r":4,"lora_alpha":8,"#
                + #""lora_dropout":0.1,"target_modules":["q_proj","v_proj"],"bias":"none","use_rslora":true,"#
                + #""rank_pattern":{"layers.0.q_proj":2},"alpha_pattern":{"^a.*b":3},"exclude_modules":".*head"}"#,
            #"{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj","k_proj"],"#
                + #""layers_to_transform":[0,2],"layers_pattern":"layers","use_dora":true,"#
                + #""modules_to_save":["score"],"fan_in_fan_out":false}"#,
            #"{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":".*\\.[qv]_proj"}"#,
            #"{"peft_type":"LORA","r":1,"lora_alpha":1.5,"target_modules":"(?i)(?:.*\\.)?(q|K)_(?!x)proj{1,2}"}"#,
            #"{"peft_type":"LORA","r":8,"lora_alpha":16,"target_modules":"all-linear","exclude_modules":["lm_head"]}"#,
        ].map { Array($0.utf8) }
    }

    static func labelsReader() throws -> FuzzTarget.Reader {
        let file = try InputFile(AdapterDirectory.labelsFile)
        return { bytes in
            try file.write(bytes)
            guard let labels = try? AdapterDirectory.labels(file.folder) else { return false }
            try expect(Set(labels).count == labels.count && !labels.contains(""), "a name twice, or none")
            return true
        }
    }

    static let labelsSeeds = [#"["negative","positive"]"#, "[]", #"["\u00e9","e\u0301x"]"#].map { Array($0.utf8) }

    // MARK: Lists

    static func readManifest(_ bytes: [UInt8]) throws -> Bool {
        guard let manifest = try? ModelManifest(decoding: bytes) else { return false }
        try expect(manifest.encoded() == bytes, "a manifest of two encodings")
        return true
    }

    static func manifestSeeds() -> [[UInt8]] {
        let hash = String(repeating: "0a", count: 32)
        func entry(_ name: String, _ size: String) -> String {
            #"{"name":"\#(name)","sha256":"\#(hash)","size":\#(size)}"#
        }
        let one = entry("config.json", "12")
        let two = one + "," + entry("model.safetensors", "1125899906842000")
        return [one, two].map { Array(#"{"files":[\#($0)],"format":"shoal-model-1"}"#.utf8) }
    }

    static func readJSON(_ bytes: [UInt8]) throws -> Bool {
        guard let value = try? JSONValue(parsing: bytes) else { return false }
        guard let again = try? JSONValue(parsing: JSONText.encode(value)) else {
            throw Contradiction("what was written of \(value) is not read")
        }
        try expect(again == value, "\(value) became \(again)")
        return true
    }

    static let jsonSeeds = [
        #"{"a":[1,-2.5e3,true,false,null,"\u00e9\ud83d\ude00\n",{}],"b":9223372036854775807,"c":1e308}"#,
        #"[[[[]]],{"":{"":[-0,0.1,1E-7]}}," \\\"/\b\f\r\t é 😀 "]"#, "7", #""x""#,
    ].map { Array($0.utf8) }
}
