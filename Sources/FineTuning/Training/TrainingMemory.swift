internal import LanguageModel
internal import ModelFiles
public import Recipe

/// What a task's computation takes of memory beside the mapped base weights, estimated before anything is loaded.
///
/// Calibrated on measured peaks of anonymous memory, of which it lies a little above; where a model directory says nothing
/// the estimate is of what does not depend on it.
public enum TrainingMemory {
    /// The program itself with its tokenizer and packed text. Unit: bytes.
    static let fixedBytes: UInt64 = 48 << 20
    /// Copies of the adapter's values at the worst moment: values before and after, gradient, both moments, update.
    static let adapterCopies: UInt64 = 8
    /// What of every linear layer's input and output waits for the backward pass, as a share: some are kept twice, as they are and normalised or gated.
    static let keptShare = 1.15
    /// The same of an encoder, whose dropout is on.
    static let keptShareOfEncoders = 1.5

    /// - Parameters:
    ///   - modelPath: A Hugging Face directory.
    ///   - adapterValues: The adapter's parameters.
    ///   - trains: False for a task that only measures losses.
    public static func bytes(
        modelPath: String, options: TrainingOptions, adapterValues: Int, trains: Bool
    ) -> UInt64 {
        let size = options.precision == .bfloat16 ? 2 : 4
        var total = fixedBytes + UInt64(clamping: adapterValues) * 4 * adapterCopies
        guard let shapes = try? Shapes(modelPath) else { return total }
        let tokens = Double(options.batchSize) * Double(options.sequenceLength)
        // One layer's values are all there is at a time without a backward pass, or where they are computed again.
        let layers = trains && !options.recomputes ? 1 : 1 / Double(max(shapes.layerCount, 1))
        let kept = tokens * Double(shapes.widths) * Double(size) * layers
        let share = shapes.isEncoder ? keptShareOfEncoders : keptShare
        // The residual stream between layers, and the head's block of logits.
        let stream = tokens * Double(shapes.hidden) * 4 * Double(trains ? shapes.layerCount + 4 : 4)
        let logits = tokens * Double(min(shapes.vocabulary, 3072)) * Double(4 + size)
        total += UInt64(min(kept * share + stream + logits, 1e15))
        if options.prepacks { total += 2 * UInt64(shapes.values * size) }
        if options.precision == .float32, shapes.isNarrow { total += UInt64(shapes.values * 4) }
        return total
    }

    /// What a checkpoint's headers say.
    struct Shapes {
        /// Inputs and outputs of all linear layers together, without the head.
        var widths = 0
        var layerCount = 0
        var hidden = 0
        var vocabulary: Int
        var isEncoder: Bool
        /// All values.
        var values = 0
        /// Whether the weights take two bytes a value.
        var isNarrow = false

        init(_ path: String) throws {
            let configuration = try ModelConfiguration(path: path + "/config.json")
            vocabulary = configuration.vocabularySize
            isEncoder = configuration.isEncoder
            let checkpoint = try Checkpoint(directory: path)
            var layers: Set<Substring> = []
            for name in checkpoint.tensorNames {
                let tensor = try checkpoint.tensor(name)
                values += tensor.shape.reduce(1, *)
                guard tensor.shape.count == 2 else { continue }
                if tensor.shape.contains(vocabulary) {
                    hidden = tensor.shape[0] == vocabulary ? tensor.shape[1] : tensor.shape[0]
                    isNarrow = tensor.elementType == .bfloat16 || tensor.elementType == .float16
                    continue
                }
                widths += tensor.shape[0] + tensor.shape[1]
                if let number = name.split(separator: ".").first(where: { $0.allSatisfy(\.isNumber) }) {
                    layers.insert(number)
                }
            }
            layerCount = layers.count
        }
    }
}
