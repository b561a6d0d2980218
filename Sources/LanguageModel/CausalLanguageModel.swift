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

/// Token blocks of equal length, row-major `[blocks, length]`.
public struct TokenBatch: Sendable {
    public let tokens: [Int32]
    public let blocks: Int
    public let length: Int

    /// - Precondition: `tokens.count == blocks * length`, `length >= 2`.
    public init(tokens: [Int32], blocks: Int, length: Int) {
        precondition(tokens.count == blocks * length && length >= 2, "\(tokens.count) tokens as \(blocks) × \(length)")
        self.tokens = tokens
        self.blocks = blocks
        self.length = length
    }
}

/// A decoder whose base weights are frozen and shared; what trains is the adapter passed to each call.
///
/// A model keeps scratch memory between calls, so it belongs to one thread at a time.
public protocol CausalLanguageModel: AnyObject {
    var vocabularySize: Int { get }
    /// The longest block that the position encoding covers. Unit: tokens.
    var maximumLength: Int { get }
    /// Layers that an adapter may target, in the model's own order.
    var linearLayers: [LinearLayer] { get }

    /// Next-token logits, `[blocks, length, vocabulary]` row-major, float32.
    func logits(_ batch: TokenBatch, adapter: LowRankAdapter?) -> [Float]

    /// The mean cross-entropy of each block's shifted tokens, `[blocks]`. Unit: nats a token.
    func losses(_ batch: TokenBatch, adapter: LowRankAdapter?) -> [Double]

    /// The mean over blocks of `losses`, and its gradient by the adapter's values.
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
