internal import ModelFiles
package import Randomness
package import Tensor

/// Runs a decoder network: losses, gradients of an adapter, and generation.
///
/// Keeps its memory between calls, so it belongs to one thread at a time; after the first step of a size nothing is
/// allocated for activations.
package final class Decoder: CausalLanguageModel {
    private let network: any DecoderNetwork
    private let type: Tensor.ElementType
    private let recomputes: Bool
    private let engine = Engine()
    package let linearLayers: [LinearLayer]
    private let linearWeights: [Weight]
    private let positions: [String: Int]

    package init(
        _ network: any DecoderNetwork, layers: WeightReader, type: Tensor.ElementType, recomputes: Bool = false
    ) {
        self.network = network
        linearLayers = layers.linearLayers
        linearWeights = layers.linearWeights
        self.type = type
        self.recomputes = recomputes
        positions = Dictionary(uniqueKeysWithValues: linearLayers.enumerated().map { ($1.name, $0) })
    }

    package var vocabularySize: Int { network.vocabularySize }
    package var maximumLength: Int { network.maximumLength }
    package var readsInParts: Bool { network.readsInParts }

    package func weightRowNorms(of layer: String) -> [Float] {
        guard let position = positions[layer] else { preconditionFailure("\(layer) is no linear layer of this model") }
        return linearWeights[position].squaredRowLengths(type).map { $0.squareRoot() }
    }

    package func weight(of layer: String) -> [Float] {
        guard let position = positions[layer] else { preconditionFailure("\(layer) is no linear layer of this model") }
        return linearWeights[position].float32Values(type)
    }

    package func logits(_ batch: TokenBatch, adapter: LowRankAdapter?) -> [Float] {
        withPass(batch, adapter: adapter) { pass in
            pass.computation.logits(network.hidden(batch.tokens, pass), network.head)
        }
    }

    package func losses(_ batch: TokenBatch, adapter: LowRankAdapter?) -> [Double] {
        withPass(batch, adapter: adapter) { pass in
            let labels = batch.nextTokens
            let losses = pass.computation.vocabularyLosses(
                network.hidden(batch.tokens, pass), network.head, labels: labels, gradientScale: nil)
            return (0..<batch.blocks).map { block in
                let rows = block * batch.length..<(block + 1) * batch.length
                return Self.mean(losses[rows], labels[rows])
            }
        }
    }

    package func lossAndGradient(
        _ batch: TokenBatch, adapter: LowRankAdapter, dropout: CounterRandom?, gradientScale: Float,
        gradient: inout [Float]
    ) -> Double {
        precondition(gradient.count == adapter.layout.parameterCount, "gradient of \(gradient.count) values")
        let labels = batch.nextTokens
        let targets = labels.count { $0 >= 0 }
        guard targets > 0 else { return 0 }
        return gradient.withUnsafeMutableBufferPointer { gradient in
            withPass(batch, adapter: adapter, dropout: dropout, gradient: gradient.baseAddress) { pass in
                let losses = pass.computation.vocabularyLosses(
                    network.hidden(batch.tokens, pass), network.head, labels: labels,
                    gradientScale: gradientScale / Float(targets))
                pass.computation.backward()
                return Self.mean(losses[...], labels[...])
            }
        }
    }

    package func nextTokenLogits(
        after tokens: [Int32], cache: inout KeyValueCache, adapter: LowRankAdapter?
    ) -> [Float] {
        precondition(!tokens.isEmpty, "no token to continue from")
        checkTokens(tokens, upTo: cache.length + tokens.count)
        precondition(cache.keys.isEmpty || cache.keys.count == network.layerCount, "a cache of another model")
        let start = cache.length
        return withComputation(adapter: adapter, dropout: nil, gradient: nil) { computation in
            let pass = DecoderPass(computation, blocks: 1, length: tokens.count, start: start, cache: cache)
            cache = KeyValueCache()  // Handed over: with one holder it grows in place.
            let hidden = network.hidden(tokens, pass)
            cache = pass.cache ?? KeyValueCache()
            cache.length = start + tokens.count
            return computation.logits(hidden.lastRow, network.head)
        }
    }

    /// Over what counts.
    private static func mean(_ losses: ArraySlice<Float>, _ labels: ArraySlice<Int32>) -> Double {
        losses.reduce(0) { $0 + Double($1) } / Double(max(1, labels.count { $0 >= 0 }))
    }

    private func withPass<Result>(
        _ batch: TokenBatch, adapter: LowRankAdapter?, dropout: CounterRandom? = nil,
        gradient: UnsafeMutablePointer<Float>? = nil, _ body: (DecoderPass) -> Result
    ) -> Result {
        checkTokens(batch.tokens, upTo: batch.length)
        return withComputation(adapter: adapter, dropout: dropout, gradient: gradient) { computation in
            body(
                DecoderPass(
                    computation, blocks: batch.blocks, length: batch.length,
                    recomputes: recomputes && gradient != nil))
        }
    }

    /// Binds the adapter for the length of `body`; with `gradient`, a backward pass may follow.
    private func withComputation<Result>(
        adapter: LowRankAdapter?, dropout: CounterRandom?, gradient: UnsafeMutablePointer<Float>?,
        _ body: (Computation) -> Result
    ) -> Result {
        adapter.withFactors(at: positions, gradient: gradient) { factors in
            var generator = dropout
            let masks = adapter.flatMap { adapter in
                adapter.dropout > 0
                    ? (generator?.next()).map { Computation.Dropout(probability: adapter.dropout, key: $0) } : nil
            }
            return body(
                Computation(
                    engine: engine, type: type, factors: factors, adapterDropout: masks,
                    modelDropoutKey: generator?.next(), isRecording: gradient != nil))
        }
    }

    /// Tokens index the embedding in C, so they are checked here.
    private func checkTokens(_ tokens: [Int32], upTo length: Int) {
        let bound = Int32(clamping: vocabularySize)
        precondition(tokens.allSatisfy { $0 >= 0 && $0 < bound }, "token outside the vocabulary of \(vocabularySize)")
        precondition(length <= maximumLength, "\(length) tokens; the model's positions end at \(maximumLength)")
    }
}
