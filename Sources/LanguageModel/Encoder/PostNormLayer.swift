internal import Tensor

/// A transformer layer as the first ones were (Vaswani et al. 2017, arXiv:1706.03762): each half's result joins its
/// input and the sum is normalised.
struct PostNormLayer {
    /// Names of a layer's modules in the checkpoint.
    struct Names {
        let query: String
        let key: String
        let value: String
        let attentionOutput: String
        let attentionNorm: String
        let feedForwardInput: String
        let feedForwardOutput: String
        let feedForwardNorm: String
    }

    /// Query, key and value.
    private let inputs: [Linear]
    private let attentionOutput: Linear
    private let attentionNorm: Norm
    private let feedForwardInput: Linear
    private let feedForwardOutput: Linear
    private let feedForwardNorm: Norm
    private let settings: EncoderSettings

    init(
        _ settings: EncoderSettings, _ names: Names, at path: String, _ reader: WeightReader
    ) throws(ModelError) {
        self.settings = settings
        let (hidden, inner) = (settings.hiddenSize, settings.intermediateSize)
        func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws(ModelError) -> Linear {
            try reader.linear(path + name, inputs: inputs, outputs: outputs, hasBias: true)
        }
        let query = try linear(names.query, hidden, hidden)
        let key = try linear(names.key, hidden, hidden)
        let value = try linear(names.value, hidden, hidden)
        inputs = [query, key, value]
        attentionOutput = try linear(names.attentionOutput, hidden, hidden)
        attentionNorm = try reader.layerNorm(path + names.attentionNorm, hidden, settings.epsilon)
        feedForwardInput = try linear(names.feedForwardInput, hidden, inner)
        feedForwardOutput = try linear(names.feedForwardOutput, inner, hidden)
        feedForwardNorm = try reader.layerNorm(path + names.feedForwardNorm, hidden, settings.epsilon)
    }

    func callAsFunction(_ x: Activation, _ pass: EncoderPass) -> Activation {
        let hidden = settings.hiddenSize
        let projected = pass.computation.linears(x, inputs)
        let attention = pass.attend(
            projected.slice(0, hidden), projected.slice(hidden, hidden), projected.slice(2 * hidden, hidden),
            heads: settings.headCount, dropout: settings.attentionDropout)
        return finish(x, attention, pass.computation)
    }

    /// Each text's first row of the same: all tokens are its keys and values, and nothing else of them is computed.
    fileprivate func firstRows(_ x: Activation, _ pass: EncoderPass) -> Activation {
        let hidden = settings.hiddenSize
        let first = pass.firstRows(x)
        let query = pass.computation.linear(first, inputs[0])
        let projected = pass.computation.linears(x, Array(inputs.dropFirst()))
        let attention = pass.attend(
            query, projected.slice(0, hidden), projected.slice(hidden, hidden), heads: settings.headCount,
            dropout: settings.attentionDropout)
        return finish(first, attention, pass.computation)
    }

    /// What follows attention, row by row.
    private func finish(_ x: Activation, _ attention: Activation, _ computation: Computation) -> Activation {
        let attended = computation.dropout(
            computation.linear(attention, attentionOutput), probability: settings.attentionOutputDropout)
        let middle = computation.normaliseSum(x, attended, attentionNorm)
        let inner = computation.activate(computation.linear(middle, feedForwardInput), settings.activation)
        let fed = computation.dropout(
            computation.linear(inner, feedForwardOutput), probability: settings.hiddenDropout)
        return computation.normaliseSum(middle, fed, feedForwardNorm)
    }
}

extension EncoderPass {
    /// A stack of layers, of whose result only each text's first row is read.
    ///
    /// - Returns: `[texts, hidden]`
    func firstRows(_ x: Activation, through layers: [PostNormLayer]) -> Activation {
        guard let last = layers.last else { return firstRows(x) }
        var x = x
        for inner in layers.dropLast() {
            x = layer(x) { inner($0, self) }
        }
        return layer(x) { last.firstRows($0, self) }
    }
}

extension WeightReader {
    func layerNorm(_ name: String, _ count: Int, _ epsilon: Float) throws(ModelError) -> Norm {
        Norm(
            kind: .layer, weight: try vector(name + ".weight", count), bias: try vector(name + ".bias", count),
            epsilon: epsilon)
    }
}
