/// The sizes of a well-known model, enough to write a model directory with random weights.
public struct ModelShape: Hashable, Sendable {
    /// Which `model_type` the shape is written as.
    public enum Family: String, Sendable {
        case llama
        case qwen2
        /// An encoder with a classification head of two labels.
        case bert
    }

    /// As `shoal bench train --shape` takes it.
    public let name: String
    public let family: Family
    let hiddenSize: Int
    let layerCount: Int
    let headCount: Int
    let keyHeadCount: Int
    let intermediateSize: Int
    let vocabularySize: Int
    /// Unit: tokens.
    let maximumLength: Int
    let isHeadTied: Bool
    let rotaryBase: Double
    let normEpsilon: Double

    private init(
        _ name: String, _ family: Family, hidden: Int, layers: Int, heads: Int, keyHeads: Int, intermediate: Int,
        vocabulary: Int, maximumLength: Int, isHeadTied: Bool = true, rotaryBase: Double = 10_000,
        normEpsilon: Double = 1e-5
    ) {
        self.name = name
        self.family = family
        hiddenSize = hidden
        layerCount = layers
        headCount = heads
        keyHeadCount = keyHeads
        intermediateSize = intermediate
        vocabularySize = vocabulary
        self.maximumLength = maximumLength
        self.isHeadTied = isHeadTied
        self.rotaryBase = rotaryBase
        self.normEpsilon = normEpsilon
    }

    /// Every shape that a benchmark may name, as the models' own `config.json` give them.
    public static let all = [
        ModelShape(
            "smollm2-135m", .llama, hidden: 576, layers: 30, heads: 9, keyHeads: 3, intermediate: 1536,
            vocabulary: 49_152, maximumLength: 8192, rotaryBase: 100_000),
        ModelShape(
            "smollm2-360m", .llama, hidden: 960, layers: 32, heads: 15, keyHeads: 5, intermediate: 2560,
            vocabulary: 49_152, maximumLength: 8192, rotaryBase: 100_000),
        ModelShape(
            "qwen2.5-0.5b", .qwen2, hidden: 896, layers: 24, heads: 14, keyHeads: 2, intermediate: 4864,
            vocabulary: 151_936, maximumLength: 32_768, rotaryBase: 1_000_000, normEpsilon: 1e-6),
        ModelShape(
            "tinyllama-1.1b", .llama, hidden: 2048, layers: 22, heads: 32, keyHeads: 4, intermediate: 5632,
            vocabulary: 32_000, maximumLength: 2048, isHeadTied: false),
        ModelShape(
            "minilm-l6", .bert, hidden: 384, layers: 6, heads: 12, keyHeads: 12, intermediate: 1536,
            vocabulary: 30_522, maximumLength: 512, normEpsilon: 1e-12),
        ModelShape(
            "stories260k", .llama, hidden: 64, layers: 5, heads: 8, keyHeads: 4, intermediate: 172, vocabulary: 512,
            maximumLength: 512),
        ModelShape(
            "tiny", .llama, hidden: 128, layers: 4, heads: 4, keyHeads: 2, intermediate: 384, vocabulary: 2048,
            maximumLength: 2048),
    ]

    /// The shape of that name.
    public static func named(_ name: String) -> ModelShape? {
        all.first { $0.name == name }
    }

    /// Values of all tensors; a tied head counts once.
    public var parameterCount: Int {
        tensors.reduce(0) { $0 + $1.count }
    }

    /// Width of all key (or value) heads together.
    var keyWidth: Int { hiddenSize / headCount * keyHeadCount }
}
