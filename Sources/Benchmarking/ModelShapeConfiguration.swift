internal import ModelFiles

extension ModelShape {
    /// What `config.json` says of a model of this shape, with the keys that transformers writes for its family.
    ///
    /// - Parameter type: Of the checkpoint's tensors.
    func configuration(type: ElementType) -> [UInt8] {
        var members: [String: JSONValue] = [
            "model_type": .string(family.rawValue),
            "torch_dtype": .string(type == .bfloat16 ? "bfloat16" : "float32"),
            "hidden_size": .integer(hiddenSize),
            "intermediate_size": .integer(intermediateSize),
            "num_hidden_layers": .integer(layerCount),
            "num_attention_heads": .integer(headCount),
            "vocab_size": .integer(vocabularySize),
            "max_position_embeddings": .integer(maximumLength),
            "initializer_range": .number(0.02),
        ]
        let own = family == .bert ? encoderMembers : decoderMembers
        members.merge(own) { $1 }
        return JSONText.encode(.object(members), layout: .indented)
    }

    private var decoderMembers: [String: JSONValue] {
        var members: [String: JSONValue] = [
            "num_key_value_heads": .integer(keyHeadCount),
            "hidden_act": .string("silu"),
            "rms_norm_eps": .number(normEpsilon),
            "rope_theta": .number(rotaryBase),
            "attention_dropout": .number(0),
            "tie_word_embeddings": .boolean(isHeadTied),
            "bos_token_id": .integer(1),
            "eos_token_id": .integer(2),
        ]
        switch family {
        case .qwen2:
            members["architectures"] = .array([.string("Qwen2ForCausalLM")])
            members["use_sliding_window"] = .boolean(false)
        case .llama, .bert:
            members["architectures"] = .array([.string("LlamaForCausalLM")])
            members["attention_bias"] = .boolean(false)
            members["mlp_bias"] = .boolean(false)
        }
        return members
    }

    private var encoderMembers: [String: JSONValue] {
        [
            "architectures": .array([.string("BertForSequenceClassification")]),
            "hidden_act": .string("gelu"),
            "layer_norm_eps": .number(normEpsilon),
            "hidden_dropout_prob": .number(0.1),
            "attention_probs_dropout_prob": .number(0.1),
            "position_embedding_type": .string("absolute"),
            "type_vocab_size": .integer(2),
            "pad_token_id": .integer(0),
        ]
    }
}
