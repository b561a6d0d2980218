internal import ModelFiles
internal import Tensor

/// A Hugging Face model directory: `config.json` and `*.safetensors`, sharded or not.
public struct ModelDirectory: Sendable {
    public let path: String
    public let configuration: ModelConfiguration

    /// Reads `config.json` and nothing else.
    public init(_ path: String) throws(ModelError) {
        self.path = path
        configuration = try ModelConfiguration(path: path + "/config.json")
    }

    /// Maps the weights and checks each tensor's shape.
    ///
    /// Weights of the wanted type are used where they lie in the mapped file, shared with every process that maps it.
    /// For bfloat16, others are used from the copy that `cache` keeps; without one they are converted in memory.
    public func loadModel(
        _ options: ModelOptions = ModelOptions(), cache: WeightCache? = nil
    ) throws(ModelError) -> any CausalLanguageModel {
        guard let plan = configuration.plan as? any DecoderPlan else {
            throw .wrongTask(directory: path, architecture: configuration.architecture, task: "language modelling")
        }
        let reader = try weightReader(options, cache)
        let network = try plan.decoder(reader)
        return Decoder(network, layers: reader, type: options.elementType, recomputes: options.recomputes)
    }

    /// The same for an encoder with a classification head, which the checkpoint may lack.
    ///
    /// - Parameter classes: How many the head tells apart.
    public func loadClassifier(
        _ options: ModelOptions = ModelOptions(), classes: Int, cache: WeightCache? = nil
    ) throws(ModelError) -> any SequenceClassifier {
        guard let plan = configuration.plan as? any EncoderPlan else {
            throw .wrongTask(directory: path, architecture: configuration.architecture, task: "classification")
        }
        let reader = try weightReader(options, cache)
        let network = try plan.encoder(reader, classes: classes)
        return try Encoder(network, reader, options)
    }

    private func weightReader(_ options: ModelOptions, _ cache: WeightCache?) throws(ModelError) -> WeightReader {
        if options.prepacks, configuration.quantisation != nil { throw .quantisedPrepack(directory: path) }
        do {
            let checkpoint = try Checkpoint(directory: path)
            let copies = options.elementType == .bfloat16 ? try cache?.copy(of: checkpoint) : nil
            return WeightReader(
                checkpoint: checkpoint, type: options.elementType, quantisation: configuration.quantisation,
                copies: copies, prepacks: options.prepacks, optionalPrefix: configuration.plan.optionalPrefix)
        } catch {
            throw .checkpoint(error)
        }
    }
}

/// How a model computes.
public struct ModelOptions: Hashable, Sendable {
    public enum Precision: Hashable, Sendable {
        case float32
        /// bfloat16 weights and activations, float32 sums, residual stream, adapter and optimiser. A CPU without
        /// bfloat16 products saves memory by it, but no time.
        case bfloat16
    }

    public var precision: Precision
    /// In training, inner values of each layer are computed again in the backward pass instead of being kept.
    public var recomputes: Bool

    /// The linear layers' weights are laid out for products once, in memory of this process: faster, for two to four
    /// times the weights' memory.
    public var prepacks: Bool

    public init(precision: Precision = .float32, recomputes: Bool = false, prepacks: Bool = false) {
        self.precision = precision
        self.recomputes = recomputes
        self.prepacks = prepacks
    }

    var elementType: Tensor.ElementType {
        precision == .bfloat16 ? .bfloat16 : .float32
    }
}
