/// One tensor of a checkpoint that is yet to be written.
package struct TensorPlan: Hashable, Sendable {
    /// How transformers initialises a tensor of this kind.
    package enum Filling: Hashable, Sendable {
        /// Mean 0, standard deviation 0.02.
        case normal
        case ones
        case zeros
    }

    package let name: String
    package let shape: [Int]
    let filling: Filling

    var count: Int { shape.reduce(1, *) }
}

extension ModelShape {
    /// All tensors, named as transformers names them, in the order of safetensors files: ascending by UTF-8 bytes.
    package var tensors: [TensorPlan] {
        let unsorted =
            switch family {
            case .llama: decoderTensors(hasProjectionBias: false)
            case .qwen2: decoderTensors(hasProjectionBias: true)
            case .bert: encoderTensors
            }
        return unsorted.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private func decoderTensors(hasProjectionBias: Bool) -> [TensorPlan] {
        var tensors = [
            TensorPlan(name: "model.embed_tokens.weight", shape: [vocabularySize, hiddenSize], filling: .normal),
            TensorPlan(name: "model.norm.weight", shape: [hiddenSize], filling: .ones),
        ]
        if !isHeadTied {
            tensors.append(TensorPlan(name: "lm_head.weight", shape: [vocabularySize, hiddenSize], filling: .normal))
        }
        let projections = [
            ("self_attn.q_proj", hiddenSize, hiddenSize, hasProjectionBias),
            ("self_attn.k_proj", keyWidth, hiddenSize, hasProjectionBias),
            ("self_attn.v_proj", keyWidth, hiddenSize, hasProjectionBias),
            ("self_attn.o_proj", hiddenSize, hiddenSize, false),
            ("mlp.gate_proj", intermediateSize, hiddenSize, false),
            ("mlp.up_proj", intermediateSize, hiddenSize, false),
            ("mlp.down_proj", hiddenSize, intermediateSize, false),
        ]
        for layer in 0..<layerCount {
            let path = "model.layers.\(layer)."
            for norm in ["input_layernorm", "post_attention_layernorm"] {
                tensors.append(TensorPlan(name: "\(path)\(norm).weight", shape: [hiddenSize], filling: .ones))
            }
            for (name, outputs, inputs, hasBias) in projections {
                tensors += Self.linear(path + name, outputs: outputs, inputs: inputs, hasBias: hasBias)
            }
        }
        return tensors
    }

    private var encoderTensors: [TensorPlan] {
        var tensors = Self.norm("bert.embeddings.LayerNorm", width: hiddenSize)
        for (name, rows) in [
            ("word_embeddings", vocabularySize), ("position_embeddings", maximumLength), ("token_type_embeddings", 2),
        ] {
            tensors.append(
                TensorPlan(name: "bert.embeddings.\(name).weight", shape: [rows, hiddenSize], filling: .normal))
        }
        for layer in 0..<layerCount {
            let path = "bert.encoder.layer.\(layer)."
            for name in ["self.query", "self.key", "self.value", "output.dense"] {
                tensors += Self.linear("\(path)attention.\(name)", outputs: hiddenSize, inputs: hiddenSize)
            }
            tensors += Self.linear(path + "intermediate.dense", outputs: intermediateSize, inputs: hiddenSize)
            tensors += Self.linear(path + "output.dense", outputs: hiddenSize, inputs: intermediateSize)
            for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
                tensors += Self.norm(path + name, width: hiddenSize)
            }
        }
        tensors += Self.linear("bert.pooler.dense", outputs: hiddenSize, inputs: hiddenSize)
        tensors += Self.linear("classifier", outputs: 2, inputs: hiddenSize)
        return tensors
    }

    private static func linear(_ name: String, outputs: Int, inputs: Int, hasBias: Bool = true) -> [TensorPlan] {
        let weight = TensorPlan(name: name + ".weight", shape: [outputs, inputs], filling: .normal)
        return hasBias ? [weight, TensorPlan(name: name + ".bias", shape: [outputs], filling: .zeros)] : [weight]
    }

    private static func norm(_ name: String, width: Int) -> [TensorPlan] {
        [
            TensorPlan(name: name + ".weight", shape: [width], filling: .ones),
            TensorPlan(name: name + ".bias", shape: [width], filling: .zeros),
        ]
    }
}
