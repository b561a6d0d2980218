internal import CKernels
package import Randomness
internal import ModelFiles
internal import Tensor

/// A decoder-only transformer in float32 with frozen weights and an adapter on any of its linear layers.
///
/// Keeps its scratch memory between calls, so it belongs to one thread at a time; after the first step of a size no
/// memory is allocated for activations.
package final class Decoder: CausalLanguageModel {
    let configuration: DecoderConfiguration
    package let weights: DecoderWeights
    let matMul = MatMul()
    let workspace = Workspace()
    var rotary: RotaryTable
    /// One a layer in training; two in turn otherwise.
    var activations: [LayerActivations] = []
    /// `[N, rank]` by linear layer: A's output times the scale.
    var rankOutputs: [ScratchBuffer] = []
    private let positions: [String: Int]
    package let linearLayers: [LinearLayer]

    package init(configuration: DecoderConfiguration, weights: DecoderWeights) {
        self.configuration = configuration
        self.weights = weights
        rotary = RotaryTable(headSize: configuration.headSize, base: configuration.rotaryBase)
        var linears = weights.layers.flatMap { $0.linears }.map {
            LinearLayer(name: $0.name, inputs: $0.weight.columns, outputs: $0.weight.rows)
        }
        if !configuration.isHeadTied {
            let head = weights.head
            linears.append(
                LinearLayer(
                    name: head.name, inputs: head.weight.columns, outputs: head.weight.rows, isOutputHead: true))
        }
        linearLayers = linears
        positions = Dictionary(uniqueKeysWithValues: linears.enumerated().map { ($1.name, $0) })
    }

    package var vocabularySize: Int { configuration.vocabularySize }
    package var maximumLength: Int { configuration.maximumLength }

    /// Position of a projection in ``linearLayers``; the head's follows the last layer's.
    func position(_ layer: Int, _ projection: Projection) -> Int {
        layer * Projection.allCases.count + projection.rawValue
    }
    var headPosition: Int { configuration.layerCount * Projection.allCases.count }

    package func logits(_ batch: TokenBatch, adapter: LowRankAdapter?) -> [Float] {
        withPass(batch, adapter: adapter) { pass in
            forward(batch.tokens, pass)
            return headLogits(firstRow: 0, rows: pass.rows, pass)
        }
    }

    package func losses(_ batch: TokenBatch, adapter: LowRankAdapter?) -> [Double] {
        withPass(batch, adapter: adapter) { pass in
            forward(batch.tokens, pass)
            return headLosses(batch, pass, gradientScale: nil)
        }
    }

    package func lossAndGradient(
        _ batch: TokenBatch, adapter: LowRankAdapter, dropout: CounterRandom?, gradientScale: Float,
        gradient: inout [Float]
    ) -> Double {
        precondition(gradient.count == adapter.layout.parameterCount, "gradient of \(gradient.count) values")
        return gradient.withUnsafeMutableBufferPointer { gradient in
            withPass(batch, adapter: adapter, dropout: dropout, gradient: gradient.baseAddress) { pass in
                forward(batch.tokens, pass)
                let losses = headLosses(batch, pass, gradientScale: gradientScale)
                backward(pass)
                return batch.mean(ofBlockLosses: losses)
            }
        }
    }

    /// Binds the adapter for the length of `body`. With `gradient`, activations are kept for a backward pass.
    func withPass<Result>(
        _ batch: TokenBatch, start: Int = 0, adapter: LowRankAdapter?, dropout: CounterRandom? = nil,
        gradient: UnsafeMutablePointer<Float>? = nil, _ body: (Pass) -> Result
    ) -> Result {
        checkTokens(batch.tokens, upTo: start + batch.length)
        return withPass(
            blocks: batch.blocks, length: batch.length, start: start, adapter: adapter, dropout: dropout,
            gradient: gradient, body)
    }

    func withPass<Result>(
        blocks: Int, length: Int, start: Int, adapter: LowRankAdapter?, dropout: CounterRandom? = nil,
        gradient: UnsafeMutablePointer<Float>? = nil, _ body: (Pass) -> Result
    ) -> Result {
        let keepsActivations = gradient != nil
        func pass(_ bound: BoundAdapter?) -> Pass {
            Pass(blocks: blocks, length: length, start: start, adapter: bound, keepsActivations: keepsActivations)
        }
        guard let adapter, !adapter.targets.isEmpty else { return body(pass(nil)) }
        return adapter.values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { return body(pass(nil)) }
            return body(
                pass(
                    BoundAdapter(
                        adapter, values: base, gradient: gradient, dropout: dropout, positions: positions,
                        count: headPosition + 1)))
        }
    }

    /// Tokens index the embedding in C, so they are checked here.
    func checkTokens(_ tokens: [Int32], upTo length: Int) {
        let bound = Int32(clamping: vocabularySize)
        precondition(tokens.allSatisfy { $0 >= 0 && $0 < bound }, "token outside the vocabulary of \(vocabularySize)")
        precondition(length <= maximumLength, "\(length) tokens; the model's positions end at \(maximumLength)")
    }
}
