/// A linear module that trains whole beside an adapter, such as a classification head (PEFT's `modules_to_save`).
public struct SavedModule: Hashable, Sendable {
    /// Module path in the checkpoint, for example `classifier`.
    public let name: String
    public let inputs: Int
    public let outputs: Int
    public let hasBias: Bool
    /// Standard deviation of a fresh weight, `initializer_range` in `config.json`; a fresh bias is zero.
    public let initialDeviation: Float

    public init(name: String, inputs: Int, outputs: Int, hasBias: Bool, initialDeviation: Float = 0.02) {
        precondition(inputs > 0 && outputs > 0, "\(name): \(outputs) × \(inputs)")
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.hasBias = hasBias
        self.initialDeviation = initialDeviation
    }

    /// The tensors by their paths in the checkpoint: weight `[out, in]`, bias `[out]`.
    public var parameters: [(name: String, shape: [Int])] {
        [(name + ".weight", [outputs, inputs])] + (hasBias ? [(name + ".bias", [outputs])] : [])
    }
}
