import Tensor

/// What a layer's forward pass leaves for its backward pass. N tokens, C hidden, I intermediate; the normalised inputs
/// and the gated product are cheap to make again and are not kept.
final class LayerActivations {
    /// `[N, C]`: the residual stream before attention.
    let input = ScratchBuffer()
    /// `[N]`: its reciprocal root mean square.
    let inputScale = ScratchBuffer()
    /// `[N, heads * headSize]`, rotated.
    let query = ScratchBuffer()
    /// `[N, keyHeads * headSize]`, rotated.
    let key = ScratchBuffer()
    /// `[N, keyHeads * headSize]`
    let value = ScratchBuffer()
    /// `[N, heads * headSize]`
    let attention = ScratchBuffer()
    /// `[blocks, heads, length]`
    let logSumExp = ScratchBuffer()
    /// `[N, C]`: the residual stream between attention and the gated unit.
    let middle = ScratchBuffer()
    /// `[N]`
    let middleScale = ScratchBuffer()
    /// `[N, I]`
    let gate = ScratchBuffer()
    /// `[N, I]`
    let up = ScratchBuffer()
}

/// Buffers that layers take in turn.
final class Workspace {
    /// `[N, C]`: normalised input of the half-layer at hand.
    let normalised = ScratchBuffer()
    /// `[N, I]`: the gated product.
    let gated = ScratchBuffer()
    /// `[N, in]`: an adapter's input after dropout.
    let dropped = ScratchBuffer()
    /// `[N, rank]`: gradient of A's output.
    let rankGradient = ScratchBuffer()
    /// `[rank, out]`: gradient of a transposed B.
    let transposedGradient = ScratchBuffer()
    /// `[N, C]`: gradient of the residual stream.
    let stream = ScratchBuffer()
    /// `[N, C]`: gradient of a normalised input.
    let normalisedGradient = ScratchBuffer()
    /// `[N, I]`
    let gateGradient = ScratchBuffer()
    /// `[N, I]`
    let upGradient = ScratchBuffer()
    /// `[N, heads * headSize]`
    let attentionGradient = ScratchBuffer()
    /// `[N, heads * headSize]`
    let queryGradient = ScratchBuffer()
    /// `[N, keyHeads * headSize]`
    let keyGradient = ScratchBuffer()
    /// `[N, keyHeads * headSize]`
    let valueGradient = ScratchBuffer()
    let attentionScratch = ScratchBuffer()
    /// `[N, C]`: the residual stream after the last layer.
    let final = ScratchBuffer()
    /// `[N]`
    let finalScale = ScratchBuffer()
    /// `[chunk, vocabulary]`
    let logits = ScratchBuffer()
    /// `[N]`
    let losses = ScratchBuffer()
}
