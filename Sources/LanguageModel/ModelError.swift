public import ModelFiles

/// What keeps a model directory from being used.
public enum ModelError: Error, Hashable, Sendable {
    case unreadable(FileError)
    /// `file` is no JSON object.
    case malformed(file: String, reason: String)
    case missingKey(file: String, key: String)
    case invalidValue(file: String, key: String, expected: String, actual: String)
    case unsupportedArchitecture(file: String, name: String, supported: [String])
    /// The setting would change what the model computes.
    case unsupportedSetting(file: String, key: String, value: String, supported: String)
    /// The architecture is made for another task.
    case wrongTask(directory: String, architecture: String, task: String)
    /// Packing is for weights that are multiplied as they are stored.
    case quantisedPrepack(directory: String)
    case checkpoint(CheckpointError)
    case shapeMismatch(file: String, tensor: String, expected: [Int], actual: [Int])
}

extension ModelError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let error):
            error.description
        case .malformed(let file, let reason):
            "\(file) cannot be read: \(reason)"
        case .missingKey(let file, let key):
            "\(file) has no \(key); is it the config.json of a Hugging Face model?"
        case .invalidValue(let file, let key, let expected, let actual):
            "\(file): \(key) must be \(expected), it is \(actual)"
        case .unsupportedArchitecture(let file, let name, let supported):
            "\(file): the architecture \(name) is not supported; supported are " + supported.joined(separator: ", ")
        case .unsupportedSetting(let file, let key, let value, let supported):
            "\(file): \(key) = \(value) is not supported; supported is \(supported)"
        case .wrongTask(let directory, let architecture, let task):
            "\(directory): \(architecture) is no model for \(task); language modelling takes a decoder, classification an "
                + "encoder (bert, distilbert, mobilebert)"
        case .quantisedPrepack(let directory):
            "\(directory): a quantised model's weights cannot be packed; remove prepack, or take the model unquantised"
        case .checkpoint(let error):
            error.description
        case .shapeMismatch(let file, let tensor, let expected, let actual):
            "\(file), tensor \(tensor) has shape \(actual) where config.json asks for \(expected); "
                + "do both files belong to the same model?"
        }
    }
}
