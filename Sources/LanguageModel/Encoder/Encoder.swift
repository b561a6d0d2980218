internal import ModelFiles
package import Randomness
internal import Tensor

/// Runs an encoder network: logits, loss, and gradients of an adapter and the head.
///
/// Keeps its memory between calls, so it belongs to one thread at a time.
package final class Encoder: SequenceClassifier {
    private let network: any EncoderNetwork
    private let options: ModelOptions
    private let engine = Engine()
    package let linearLayers: [LinearLayer]
    package let storedHead: [String: [Float]]?
    private let linearWeights: [Weight]
    private let positions: [String: Int]

    package init(
        _ network: any EncoderNetwork, _ reader: WeightReader, _ options: ModelOptions
    ) throws(ModelError) {
        self.network = network
        self.options = options
        linearLayers = reader.linearLayers
        linearWeights = reader.linearWeights
        positions = Dictionary(uniqueKeysWithValues: linearLayers.enumerated().map { ($1.name, $0) })
        storedHead = try Self.storedHead(network.headModules, reader)
    }

    package var vocabularySize: Int { network.vocabularySize }
    package var maximumLength: Int { network.maximumLength }
    package var savedModules: [SavedModule] { network.headModules }
    package var classCount: Int { network.headModules.last?.outputs ?? 0 }

    package func weightRowNorms(of layer: String) -> [Float] {
        guard let position = positions[layer] else { preconditionFailure("\(layer) is no linear layer of this model") }
        return linearWeights[position].squaredRowLengths(options.elementType).map { $0.squareRoot() }
    }

    package func weight(of layer: String) -> [Float] {
        guard let position = positions[layer] else { preconditionFailure("\(layer) is no linear layer of this model") }
        return linearWeights[position].float32Values(options.elementType)
    }

    package func logits(_ batch: ClassificationBatch, adapter: LowRankAdapter?) -> [Float] {
        withPass(batch, adapter: adapter, dropout: nil, gradient: nil) { pass in
            network.logits(batch.tokens, pass).float32Values()
        }
    }

    package func lossAndGradient(
        _ batch: ClassificationBatch, adapter: LowRankAdapter, dropout: CounterRandom?, gradientScale: Float,
        gradient: inout [Float]
    ) -> Double {
        precondition(gradient.count == adapter.layout.parameterCount, "gradient of \(gradient.count) values")
        return gradient.withUnsafeMutableBufferPointer { gradient in
            withPass(batch, adapter: adapter, dropout: dropout, gradient: gradient.baseAddress) { pass in
                let losses = pass.computation.classLosses(
                    network.logits(batch.tokens, pass), labels: batch.labels, leavingOut: batch.leftOut,
                    gradientScale: gradientScale / Float(batch.examples))
                pass.computation.backward()
                return losses.reduce(0) { $0 + Double($1) } / Double(losses.count)
            }
        }
    }

    private func withPass<Result>(
        _ batch: ClassificationBatch, adapter: LowRankAdapter?, dropout: CounterRandom?,
        gradient: UnsafeMutablePointer<Float>?, _ body: (EncoderPass) -> Result
    ) -> Result {
        check(batch)
        return withHead(of: adapter, gradient: gradient) { head in
            adapter.withFactors(at: positions, gradient: gradient) { factors in
                var generator = dropout
                let masks = adapter.flatMap { adapter in
                    adapter.dropout > 0
                        ? (generator?.next()).map { Computation.Dropout(probability: adapter.dropout, key: $0) } : nil
                }
                let computation = Computation(
                    engine: engine, type: options.elementType, factors: factors, adapterDropout: masks,
                    modelDropoutKey: generator?.next(), isRecording: gradient != nil)
                return body(
                    EncoderPass(computation, batch, head: head, recomputes: options.recomputes && gradient != nil))
            }
        }
    }

    /// The adapter's head, or where it has none the checkpoint's, valid for the length of `body`.
    private func withHead<Result>(
        of adapter: LowRankAdapter?, gradient: UnsafeMutablePointer<Float>?, _ body: ([String: TrainedLinear]) -> Result
    ) -> Result {
        var values: [Float] = []
        var offsets: [String: Int] = [:]
        let isTrained = adapter?.saved.isEmpty == false
        if let adapter, isTrained {
            values = adapter.values
            for tensor in adapter.saved { offsets[tensor.name] = tensor.offset }
        } else {
            guard let storedHead else {
                preconditionFailure("no classification head, neither stored nor in an adapter")
            }
            for (name, tensor) in storedHead {
                offsets[name] = values.count
                values += tensor
            }
        }
        return values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { preconditionFailure("an empty head") }
            let gradient = isTrained ? gradient : nil
            var head: [String: TrainedLinear] = [:]
            for module in savedModules {
                guard let weight = offsets[module.name + ".weight"] else {
                    preconditionFailure("the adapter lacks \(module.name)")
                }
                let bias = offsets[module.name + ".bias"]
                head[module.name] = TrainedLinear(
                    inputs: module.inputs, outputs: module.outputs, weight: base + weight,
                    bias: bias.map { base + $0 }, weightGradient: gradient.map { $0 + weight },
                    biasGradient: gradient.flatMap { gradient in bias.map { gradient + $0 } })
            }
            return body(head)
        }
    }

    /// A checkpoint made for another number of classes counts as one without a head.
    private static func storedHead(
        _ modules: [SavedModule], _ reader: WeightReader
    ) throws(ModelError) -> [String: [Float]]? {
        var head: [String: [Float]] = [:]
        for (name, shape) in modules.flatMap(\.parameters) {
            guard reader.contains(name, shape: shape) else { return nil }
            head[name] = try reader.values(name, shape: shape)
        }
        return head
    }

    /// Tokens index the embedding in C, so they are checked here.
    private func check(_ batch: ClassificationBatch) {
        let bound = Int32(clamping: vocabularySize)
        precondition(
            batch.tokens.allSatisfy { $0 >= 0 && $0 < bound }, "token outside the vocabulary of \(vocabularySize)")
        precondition(
            batch.lengths.allSatisfy { Int($0) <= maximumLength },
            "\(batch.lengths) tokens; the model's positions end at \(maximumLength)")
    }
}
