package import Tensor

/// A decoder-only network with frozen weights: token ids in, the output head's input out.
package protocol DecoderNetwork: AnyObject {
    var vocabularySize: Int { get }
    /// Longest block that the position encoding covers. Unit: tokens.
    var maximumLength: Int { get }
    var layerCount: Int { get }
    /// The output head, tied to the embedding or not.
    var head: Linear { get }
    /// Whether a text's length changes nothing about its earlier tokens.
    var readsInParts: Bool { get }

    /// The last norm's output, `[blocks · length, hidden]`.
    ///
    /// - Parameter tokens: `[blocks · length]`, each below ``vocabularySize``.
    func hidden(_ tokens: [Int32], _ pass: DecoderPass) -> Activation
}

extension DecoderNetwork {
    package var readsInParts: Bool { true }
}

/// What one pass over a decoder works on.
package final class DecoderPass {
    package let computation: Computation
    package let blocks: Int
    /// Tokens a block.
    package let length: Int
    /// The first token's position: what the cache already holds.
    package let start: Int
    /// Whether a layer's inner values are computed again in the backward pass.
    package let recomputes: Bool
    /// Keys and values of earlier tokens; `nil` outside generation.
    package var cache: KeyValueCache?

    package init(
        _ computation: Computation, blocks: Int, length: Int, start: Int = 0, recomputes: Bool = false,
        cache: KeyValueCache? = nil
    ) {
        self.computation = computation
        self.blocks = blocks
        self.length = length
        self.start = start
        self.recomputes = recomputes
        self.cache = cache
    }

    /// Causal attention over this pass's tokens, and over a cache's where there is one.
    ///
    /// - Parameters:
    ///   - layer: Where the cache keeps this attention's keys and values.
    ///   - window: A query sees this many positions up to its own; `nil`: all.
    ///   - dropout: Probability that an attention weight is dropped in training.
    package func attend(
        _ query: Activation, _ key: Activation, _ value: Activation, layer: Int, heads: Int, keyHeads: Int,
        scale: Float, window: Int? = nil, dropout: Float = 0
    ) -> Activation {
        let shape = AttentionShape(
            queries: RowBlocks(count: blocks, length: length), keys: RowBlocks(count: blocks, length: start + length),
            heads: heads, keyHeads: keyHeads, headSize: query.columns / heads, scale: scale)
        let mask = AttentionMask(isCausal: true, window: window)
        guard cache != nil else { return computation.attend(query, key, value, shape, mask, dropout: dropout) }
        while (cache?.keys.count ?? 0) <= layer {
            cache?.keys.append([])
            cache?.values.append([])
        }
        cache?.keys[layer] += key.float32Values()
        cache?.values[layer] += value.float32Values()
        return computation.attend(
            query, keys: cache?.keys[layer] ?? [], values: cache?.values[layer] ?? [], shape, mask)
    }

    /// A layer of the network: recomputed in the backward pass where the pass asks for it.
    package func layer(
        _ stream: Residual, _ body: @escaping (Residual) -> Residual
    ) -> Residual {
        guard recomputes else { return body(stream) }
        let whole = computation.recomputing(stream.resolved(computation)) { [computation] input in
            body(Residual(input)).resolved(computation)
        }
        return Residual(whole)
    }
}

/// The residual stream, float32, whose last addition waits for the norm that follows it.
package struct Residual {
    private var sum: Activation
    private var pending: Activation?

    package init(_ sum: Activation) {
        self.sum = sum
    }

    package mutating func add(_ delta: Activation, _ computation: Computation) {
        sum = resolved(computation)
        pending = delta
    }

    package mutating func normalised(_ norm: Norm, _ computation: Computation) -> Activation {
        let (stream, normalised) = computation.addAndNormalise(sum, pending, norm)
        sum = stream
        pending = nil
        return normalised
    }

    package func resolved(_ computation: Computation) -> Activation {
        guard let pending else { return sum }
        return computation.add(sum, pending, consuming: true)
    }
}
