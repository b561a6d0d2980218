package import Tensor

/// An encoder with frozen weights under a classification head: token ids in, logits out.
package protocol EncoderNetwork: AnyObject {
    var vocabularySize: Int { get }
    /// Longest text that the position encoding covers. Unit: tokens.
    var maximumLength: Int { get }
    var paddingToken: Int32 { get }
    /// The head's layers; the last one's outputs are the classes.
    var headModules: [SavedModule] { get }

    /// Logits, `[blocks, classes]`, float32.
    ///
    /// - Parameter tokens: `[blocks · length]`, each below ``vocabularySize``.
    func logits(_ tokens: [Int32], _ pass: EncoderPass) -> Activation
}

/// What one pass over an encoder works on.
package final class EncoderPass {
    package let computation: Computation
    package let blocks: Int
    /// Tokens a block, padding included.
    package let length: Int
    /// Tokens of each block that are no padding.
    package let lengths: [Int32]
    /// The head's layers by name.
    private let head: [String: TrainedLinear]
    private let recomputes: Bool

    package init(
        _ computation: Computation, _ batch: ClassificationBatch, head: [String: TrainedLinear], recomputes: Bool
    ) {
        self.computation = computation
        self.head = head
        self.recomputes = recomputes
        blocks = batch.examples
        length = batch.length
        lengths = batch.lengths
    }

    /// Each token's place in its block.
    package var positions: [Int32] { (0..<blocks * length).map { Int32($0 % length) } }

    /// Every token of a block sees every other one that is no padding.
    package func attend(
        _ query: Activation, _ key: Activation, _ value: Activation, heads: Int, dropout: Float
    ) -> Activation {
        let headSize = query.columns / heads
        let shape = AttentionShape(
            blocks: blocks, length: length, heads: heads, keyHeads: heads, headSize: headSize,
            scale: 1 / Float(headSize).squareRoot())
        return computation.attend(
            query, key, value, shape, AttentionMask(isCausal: false, lengths: lengths), dropout: dropout)
    }

    /// A layer of the network: recomputed in the backward pass where the pass asks for it.
    package func layer(_ input: Activation, _ body: @escaping (Activation) -> Activation) -> Activation {
        recomputes ? computation.recomputing(input, body) : body(input)
    }

    /// A layer of the head.
    package func head(_ name: String, _ input: Activation, resultType: ElementType? = nil) -> Activation {
        guard let layer = head[name] else { preconditionFailure("no weights for the head's \(name)") }
        return computation.linear(input, layer, resultType: resultType)
    }
}
