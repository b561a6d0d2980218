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
    /// Weights of the wanted type are used where they lie in the mapped file, shared with every process that maps it;
    /// others are converted in memory.
    public func loadModel(_ options: ModelOptions = ModelOptions()) throws(ModelError) -> any CausalLanguageModel {
        let checkpoint: Checkpoint
        do { checkpoint = try Checkpoint(directory: path) } catch { throw .checkpoint(error) }
        let plan = configuration.plan
        let type = options.elementType
        let reader = WeightReader(
            checkpoint: checkpoint, type: type, quantisation: configuration.quantisation,
            optionalPrefix: plan.optionalPrefix)
        let network = try plan.decoder(reader)
        return Decoder(network, layers: reader, type: type, recomputes: options.recomputes)
    }
}

/// How a model computes.
public struct ModelOptions: Hashable, Sendable {
    public enum Precision: Hashable, Sendable {
        case float32
        /// bfloat16 weights and activations, float32 sums, residual stream, adapter and optimiser. On a CPU without
        /// bfloat16 products it computes in float32 instead.
        case bfloat16
    }

    public var precision: Precision
    /// In training, inner values of each layer are computed again in the backward pass instead of being kept.
    public var recomputes: Bool

    public init(precision: Precision = .float32, recomputes: Bool = false) {
        self.precision = precision
        self.recomputes = recomputes
    }

    var elementType: Tensor.ElementType {
        precision == .bfloat16 && MatMul.supportsBFloat16 ? .bfloat16 : .float32
    }
}
