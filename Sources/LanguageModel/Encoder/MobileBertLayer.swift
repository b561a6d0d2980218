internal import Tensor

/// What MobileBERT calls a norm: a real one, or only a factor and an offset for each column.
enum MobileBertNorm {
    /// PyTorch's, where transformers leaves the configuration's aside.
    static let defaultEpsilon: Float = 1e-5

    case norm(Norm)
    case scaling(ColumnScaling)

    init(
        _ name: String, _ count: Int, _ plan: MobileBertPlan, _ reader: WeightReader, epsilon: Float? = nil
    ) throws(ModelError) {
        if plan.hasNorms {
            self = .norm(try reader.layerNorm(name, count, epsilon ?? plan.settings.epsilon))
        } else {
            self = .scaling(
                ColumnScaling(
                    weight: try reader.vector(name + ".weight", count), bias: try reader.vector(name + ".bias", count)))
        }
    }

    func callAsFunction(_ x: Activation, _ computation: Computation) -> Activation {
        switch self {
        case .norm(let norm): computation.normalise(x, norm)
        case .scaling(let scaling): computation.scaleColumns(x, scaling)
        }
    }

    /// Of the sum of both.
    func callAsFunction(_ x: Activation, _ delta: Activation, _ computation: Computation) -> Activation {
        switch self {
        case .norm(let norm): computation.normaliseSum(x, delta, norm)
        case .scaling(let scaling): computation.scaleColumns(computation.add(x, delta), scaling)
        }
    }
}

/// One of MobileBERT's layers.
struct MobileBertLayer {
    /// A linear layer and the norm behind it.
    private struct Step {
        let linear: Linear
        let norm: MobileBertNorm
    }

    private struct FeedForward {
        let input: Linear
        let output: Step
    }

    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let attentionOutput: Step
    /// The last one's result leaves through `outputBottleneck`.
    private var feedForwards: [FeedForward] = []
    private let outputBottleneck: Step
    private let inputBottleneck: Step
    /// Of query and key.
    private let keyBottleneck: Step?
    private let plan: MobileBertPlan

    init(_ plan: MobileBertPlan, at path: String, _ reader: WeightReader) throws(ModelError) {
        self.plan = plan
        let (hidden, inner, wide) = (plan.settings.hiddenSize, plan.innerSize, plan.settings.intermediateSize)
        func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws(ModelError) -> Linear {
            try reader.linear(path + name, inputs: inputs, outputs: outputs, hasBias: true)
        }
        func step(_ name: String, _ inputs: Int, _ outputs: Int, epsilon: Float? = nil) throws(ModelError) -> Step {
            Step(
                linear: try linear(name + ".dense", inputs, outputs),
                norm: try MobileBertNorm(path + name + ".LayerNorm", outputs, plan, reader, epsilon: epsilon))
        }
        query = try linear("attention.self.query", inner, inner)
        key = try linear("attention.self.key", inner, inner)
        value = try linear("attention.self.value", plan.usesBottleneckAttention ? inner : hidden, inner)
        attentionOutput = try step("attention.output", inner, inner)
        let last = FeedForward(
            input: try linear("intermediate.dense", inner, wide),
            output: try step("output", wide, inner, epsilon: MobileBertNorm.defaultEpsilon))
        outputBottleneck = try step("output.bottleneck", inner, hidden)
        inputBottleneck = try step("bottleneck.input", hidden, inner)
        keyBottleneck = plan.sharesKeyBottleneck ? try step("bottleneck.attention", hidden, inner) : nil
        for index in 0..<plan.feedForwardCount - 1 {
            feedForwards.append(
                FeedForward(
                    input: try linear("ffn.\(index).intermediate.dense", inner, wide),
                    output: try step("ffn.\(index).output", wide, inner)))
        }
        feedForwards.append(last)
    }

    func callAsFunction(_ input: Activation, _ pass: EncoderPass) -> Activation {
        let computation = pass.computation
        let settings = plan.settings
        let residual = inputBottleneck.norm(computation.linear(input, inputBottleneck.linear), computation)
        var x = attentionOutput.norm(
            residual, computation.linear(attend(input, residual, pass), attentionOutput.linear), computation)
        for feedForward in feedForwards {
            let inner = computation.activate(computation.linear(x, feedForward.input), settings.activation)
            x = feedForward.output.norm(x, computation.linear(inner, feedForward.output.linear), computation)
        }
        let widened = computation.dropout(
            computation.linear(x, outputBottleneck.linear), probability: settings.hiddenDropout)
        return outputBottleneck.norm(input, widened, computation)
    }

    private func attend(_ input: Activation, _ residual: Activation, _ pass: EncoderPass) -> Activation {
        let computation = pass.computation
        let inner = plan.innerSize
        let (heads, dropout) = (plan.settings.headCount, plan.settings.attentionDropout)
        if plan.usesBottleneckAttention {
            let all = computation.linears(residual, [query, key, value])
            return pass.attend(
                all.slice(0, inner), all.slice(inner, inner), all.slice(2 * inner, inner), heads: heads,
                dropout: dropout)
        }
        guard let keyBottleneck else { preconditionFailure("query and key without a bottleneck") }
        let shared = keyBottleneck.norm(computation.linear(input, keyBottleneck.linear), computation)
        let both = computation.linears(shared, [query, key])
        return pass.attend(
            both.slice(0, inner), both.slice(inner, inner), computation.linear(input, value), heads: heads,
            dropout: dropout)
    }
}
