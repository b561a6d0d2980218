internal import ModelFiles

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
    /// float32 weights are used where they lie in the mapped file, shared with every process that maps it; half-size
    /// types are widened into memory.
    public func loadModel() throws(ModelError) -> any CausalLanguageModel {
        let checkpoint: Checkpoint
        do { checkpoint = try Checkpoint(directory: path) } catch { throw .checkpoint(error) }
        let weights = try DecoderWeights(checkpoint, configuration.decoder)
        return Decoder(configuration: configuration.decoder, weights: weights)
    }
}
