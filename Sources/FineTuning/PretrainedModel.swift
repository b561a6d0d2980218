public import LanguageModel
internal import ModelFiles

/// A base model with its tokenizer, as every part that trains, evaluates or generates needs them together.
///
/// Like its model, it belongs to one thread at a time.
public final class PretrainedModel {
    public let path: String
    public let configuration: ModelConfiguration
    public let tokenizer: Tokenizer
    public let model: any CausalLanguageModel

    /// - Parameter path: A Hugging Face directory.
    public init(path: String) throws {
        let directory = try ModelDirectory(path)
        self.path = path
        configuration = directory.configuration
        tokenizer = try Tokenizer(directory: path)
        model = try directory.loadModel()
    }

    /// Reads a PEFT directory and binds it to this model's layers.
    public func adapter(at directory: String) throws -> LowRankAdapter {
        let stored = try AdapterDirectory.read(directory)
        return try LowRankAdapter(
            binding: stored.layout, values: stored.values, scale: Float(stored.configuration.scale),
            to: model.linearLayers)
    }

    /// Packs rows the way every loss of the project is measured: per (worker, split), blocks of equal length.
    ///
    /// - Parameter length: Unit: tokens.
    public func blocks(of rows: [DataRow], length: Int) -> GroupedBlocks {
        GroupedBlocks(
            rows, encode: { tokenizer.encode($0) }, bos: configuration.beginToken, eos: configuration.endToken,
            length: length)
    }
}
