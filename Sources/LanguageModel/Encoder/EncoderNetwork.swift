package import Tensor

/// An encoder with frozen weights under a classification head: token ids in, logits out.
package protocol EncoderNetwork: AnyObject {
    var vocabularySize: Int { get }
    /// Longest text that the position encoding covers. Unit: tokens.
    var maximumLength: Int { get }
    /// The head's layers; the last one's outputs are the classes.
    var headModules: [SavedModule] { get }

    /// Logits, `[blocks, classes]`, float32.
    ///
    /// - Parameter tokens: Of the pass's ``EncoderPass/blocks``, each below ``vocabularySize``.
    func logits(_ tokens: [Int32], _ pass: EncoderPass) -> Activation
}

/// What one pass over an encoder works on.
package final class EncoderPass {
    package let computation: Computation
    /// The texts' tokens, one text's after another's: what rows of activations are.
    package let blocks: RowBlocks
    /// The head's layers by name.
    private let head: [String: TrainedLinear]
    private let recomputes: Bool

    package init(
        _ computation: Computation, _ batch: ClassificationBatch, head: [String: TrainedLinear], recomputes: Bool
    ) {
        self.computation = computation
        self.head = head
        self.recomputes = recomputes
        blocks = RowBlocks(lengths: batch.lengths.lazy.map { Int($0) })
    }

    /// Every token of a text sees every other one of it.
    ///
    /// - Parameter query: Of all tokens, or of each text's first alone.
    package func attend(
        _ query: Activation, _ key: Activation, _ value: Activation, heads: Int, dropout: Float
    ) -> Activation {
        let headSize = query.columns / heads
        let isWhole = query.rows == key.rows
        let shape = AttentionShape(
            queries: isWhole ? blocks : RowBlocks(count: blocks.count, length: 1), keys: blocks, heads: heads,
            keyHeads: heads, headSize: headSize, scale: 1 / Float(headSize).squareRoot())
        return computation.attend(query, key, value, shape, AttentionMask(isCausal: false), dropout: dropout)
    }

    /// Each text's first row.
    package func firstRows(_ x: Activation) -> Activation { computation.firstRows(x, of: blocks) }

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
