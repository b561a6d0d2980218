public import Randomness

/// A linear layer that an adapter may target.
public struct LinearLayer: Hashable, Sendable {
    /// Module path in the checkpoint, for example `model.layers.0.self_attn.q_proj`.
    public let name: String
    public let inputs: Int
    public let outputs: Int
    /// The output head, which `all-linear` leaves out (as PEFT does).
    public let isOutputHead: Bool
    /// Stored `[in, out]` as GPT-2's Conv1D, not `[out, in]`; adapters only note it, their factors have the same shapes.
    public let isConv1D: Bool

    public init(name: String, inputs: Int, outputs: Int, isOutputHead: Bool = false, isConv1D: Bool = false) {
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.isOutputHead = isOutputHead
        self.isConv1D = isConv1D
    }
}

/// Token blocks of equal length, row-major `[blocks, length]`, with what each position teaches.
public struct TokenBatch: Sendable {
    /// The label of a token that is context only.
    public static let ignoredLabel: Int32 = -100

    public let tokens: [Int32]
    /// `[blocks, length]`, beside its token (not shifted): the token itself where it is a target, else −100. A block's
    /// first token has no predecessor, so its label never counts.
    public let labels: [Int32]
    public let blocks: Int
    public let length: Int

    /// - Parameter labels: `nil` makes every token a target.
    /// - Precondition: `tokens.count == blocks * length`, `length >= 2`; as many labels as tokens.
    public init(tokens: [Int32], labels: [Int32]? = nil, blocks: Int, length: Int) {
        precondition(tokens.count == blocks * length && length >= 2, "\(tokens.count) tokens as \(blocks) × \(length)")
        let labels = labels ?? tokens
        precondition(labels.count == tokens.count, "\(labels.count) labels for \(tokens.count) tokens")
        self.tokens = tokens
        self.labels = labels
        self.blocks = blocks
        self.length = length
    }

    /// What each position has to predict: the next one's label; negative at a block's end and where nothing counts.
    var nextTokens: [Int32] {
        var next = [Int32](repeating: -1, count: tokens.count)
        for block in 0..<blocks {
            let first = block * length
            for index in 1..<length { next[first + index - 1] = labels[first + index] }
        }
        return next
    }

    /// How many of each block's tokens the loss counts, `[blocks]`.
    public var targetCounts: [Int] {
        (0..<blocks).map { block in
            labels[(block * length + 1)..<((block + 1) * length)].count { $0 != Self.ignoredLabel }
        }
    }
}

/// A decoder whose base weights are frozen and shared; what trains is the adapter passed to each call.
///
/// A model keeps scratch memory between calls, so it belongs to one thread at a time.
public protocol CausalLanguageModel: AnyObject {
    var vocabularySize: Int { get }
    /// The longest block that the position encoding covers. Unit: tokens.
    var maximumLength: Int { get }
    /// Whether a prompt may reach ``nextTokenLogits(after:cache:adapter:)`` in several parts without another result.
    var readsInParts: Bool { get }
    /// Layers that an adapter may target, in the model's own order.
    var linearLayers: [LinearLayer] { get }

    /// The Euclidean lengths of the rows of a linear layer's weight as `[out, in]`, `[out]`.
    ///
    /// - Parameter layer: One of ``linearLayers``.
    func weightRowNorms(of layer: String) -> [Float]

    /// A linear layer's weight, `[out, in]` row-major, as the model computes with it.
    ///
    /// - Parameter layer: One of ``linearLayers``.
    func weight(of layer: String) -> [Float]

    /// Next-token logits, `[blocks, length, vocabulary]` row-major, float32.
    func logits(_ batch: TokenBatch, adapter: LowRankAdapter?) -> [Float]

    /// The mean cross-entropy of each block's counted targets, `[blocks]`; 0 for a block without any. Unit: nats a token.
    func losses(_ batch: TokenBatch, adapter: LowRankAdapter?) -> [Double]

    /// The mean cross-entropy over all counted targets of the batch, and its gradient by the adapter's values.
    ///
    /// - Parameters:
    ///   - dropout: Where dropout masks come from; `nil` (or `adapter.dropout == 0`) drops nothing.
    ///   - gradient: `[adapter.layout.parameterCount]`, float32; the gradient times `gradientScale` is **added** to it.
    func lossAndGradient(
        _ batch: TokenBatch, adapter: LowRankAdapter, dropout: CounterRandom?, gradientScale: Float,
        gradient: inout [Float]
    ) -> Double

    /// Logits of the token after a prompt, `[vocabulary]`, extending what `cache` already holds.
    func nextTokenLogits(after tokens: [Int32], cache: inout KeyValueCache, adapter: LowRankAdapter?) -> [Float]
}

/// Keys and values of the tokens seen so far, for generation. Each layer: `[tokens, keyValueHeads * headSize]`.
public struct KeyValueCache: Sendable {
    public var keys: [[Float]] = []
    public var values: [[Float]] = []
    /// Tokens held.
    public var length = 0

    public init() {}
}
