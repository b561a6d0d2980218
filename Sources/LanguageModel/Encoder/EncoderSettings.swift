internal import ModelFiles
internal import Tensor

/// The sizes and settings that encoders have in common.
struct EncoderSettings: Hashable, Sendable {
    var hiddenSize: Int
    var intermediateSize: Int
    var layerCount: Int
    var headCount: Int
    var vocabularySize: Int
    var maximumLength: Int
    var epsilon: Float
    var activation: ActivationFunction
    var hiddenDropout: Float
    /// Of the attention's own output, after its last linear layer.
    var attentionOutputDropout: Float
    /// Of the attention's weights.
    var attentionDropout: Float
    /// Of the head's input.
    var classifierDropout: Float
    /// Standard deviation of a fresh head's weight.
    var initialDeviation: Float

    /// The head `classifier`, on an input of this width.
    func classifier(inputs: Int, classes: Int) -> SavedModule {
        SavedModule(
            name: "classifier", inputs: inputs, outputs: classes, hasBias: true, initialDeviation: initialDeviation)
    }
}

extension ConfigurationReader {
    /// What would change an encoder's result and is not supported.
    func refuseUnsupportedEncoder() throws(ModelError) {
        try require("position_embedding_type", in: [.string("absolute")], supported: "\"absolute\"")
        for key in ["is_decoder", "add_cross_attention", "is_encoder_decoder"] {
            try require(key, in: [.boolean(false)], supported: "false")
        }
        try require("pruned_heads", in: [.object([:])], supported: "no pruned heads")
        try require(
            "problem_type", in: [.string("single_label_classification")],
            supported: "\"single_label_classification\"")
    }

    func checkHeads(_ heads: Int, hiddenSize: Int, key: String) throws(ModelError) {
        guard hiddenSize % heads == 0, hiddenSize / heads <= AttentionShape.headSizeMax else {
            throw .invalidValue(
                file: file, key: key,
                expected: "a divisor of the width \(hiddenSize), with heads of at most \(AttentionShape.headSizeMax)",
                actual: "\(heads)")
        }
    }

    /// Class names in order, `id2label`; empty where there are none.
    func labels() throws(ModelError) -> [String] {
        guard let value = self["id2label"] else { return [] }
        guard case .object(let members) = value else { throw invalid("id2label", "an object", value) }
        var names: [String] = []
        for index in 0..<members.count {
            guard case .string(let name)? = members["\(index)"] else {
                throw invalid("id2label", "class names by their numbers from 0", value)
            }
            names.append(name)
        }
        return names
    }
}
