/// The sizes and settings of a decoder whose half-layers are normalised before attention and before the gated unit.
package struct DecoderConfiguration: Hashable, Sendable {
    package let hiddenSize: Int
    package let intermediateSize: Int
    package let layerCount: Int
    package let headCount: Int
    package let keyHeadCount: Int
    package let headSize: Int
    package let vocabularySize: Int
    package let maximumLength: Int
    package let normEpsilon: Float
    package let rotaryBase: Double
    package let isHeadTied: Bool
    package let hasAttentionBias: Bool
    package let hasFeedForwardBias: Bool

    /// Width of all query heads together.
    package var queryWidth: Int { headCount * headSize }
    /// Width of all key (or value) heads together.
    package var keyWidth: Int { keyHeadCount * headSize }
}

/// The linear layers of one decoder layer, in the order in which they are applied.
enum Projection: Int, CaseIterable {
    case query, key, value, output, gate, up, down

    /// Module path within its layer, as the checkpoint names it.
    var path: String {
        switch self {
        case .query: "self_attn.q_proj"
        case .key: "self_attn.k_proj"
        case .value: "self_attn.v_proj"
        case .output: "self_attn.o_proj"
        case .gate: "mlp.gate_proj"
        case .up: "mlp.up_proj"
        case .down: "mlp.down_proj"
        }
    }

    func inputs(_ configuration: DecoderConfiguration) -> Int {
        switch self {
        case .query, .key, .value, .gate, .up: configuration.hiddenSize
        case .output: configuration.queryWidth
        case .down: configuration.intermediateSize
        }
    }

    func outputs(_ configuration: DecoderConfiguration) -> Int {
        switch self {
        case .query: configuration.queryWidth
        case .key, .value: configuration.keyWidth
        case .gate, .up: configuration.intermediateSize
        case .output, .down: configuration.hiddenSize
        }
    }

    func hasBias(_ configuration: DecoderConfiguration) -> Bool {
        switch self {
        case .query, .key, .value, .output: configuration.hasAttentionBias
        case .gate, .up, .down: configuration.hasFeedForwardBias
        }
    }
}
