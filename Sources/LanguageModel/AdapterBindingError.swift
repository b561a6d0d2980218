public import ModelFiles

/// Why an adapter does not fit a model.
public enum AdapterBindingError: Error, Hashable, Sendable {
    /// The tensor's name is not that of a LoRA factor, nor of a module of the model that trains whole.
    case unknownTensor(tensor: String)
    case noSuchLayer(tensor: String, layer: String, known: String)
    case missingFactor(layer: String, tensor: String)
    case missingSavedTensor(tensor: String)
    case shapeMismatch(tensor: String, expected: String, actual: [Int])
    /// The configuration's targets and the adapter's tensors disagree about a layer of the model.
    case selectionMismatch(layer: String, isSelected: Bool)
    case pattern(ModuleNamePatternError)
}

extension AdapterBindingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownTensor(let tensor):
            "adapter tensor \(tensor) is no LoRA factor, and no module of this model that is trained whole; names look "
                + "like base_model.model.LAYER.lora_A.weight"
        case .noSuchLayer(let tensor, let layer, let known):
            "adapter tensor \(tensor) belongs to \(layer), which is no linear layer of this model (its layers are named "
                + "like \(known); a head tied to the embedding cannot carry an adapter); was the adapter trained on another model?"
        case .missingFactor(let layer, let tensor):
            "the adapter has one factor for \(layer) and lacks \(tensor)"
        case .missingSavedTensor(let tensor):
            "the adapter lacks \(tensor), a part of this model's head; was it trained for another task?"
        case .shapeMismatch(let tensor, let expected, let actual):
            "adapter tensor \(tensor) has shape \(actual), the model needs \(expected); "
                + "was the adapter trained on another model?"
        case .selectionMismatch(let layer, let isSelected):
            isSelected
                ? "adapter_config.json targets \(layer), and the adapter has no tensors for it; "
                    + "was the adapter trained on another model?"
                : "the adapter has tensors for \(layer), which adapter_config.json does not target; "
                    + "its two files do not belong together"
        case .pattern(let error): error.description
        }
    }
}
