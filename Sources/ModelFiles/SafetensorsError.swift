/// What is wrong with a safetensors file or with a tensor asked of it.
public enum SafetensorsError: Error, Hashable, Sendable {
    case unreadable(FileError)
    /// The file ends before its header does. Unit: bytes.
    case truncatedHeader(file: String, expected: Int, actual: Int)
    case headerTooLarge(file: String, bytes: UInt64, limit: Int)
    case malformedHeader(file: String, reason: String)
    case malformedTensor(file: String, tensor: String, reason: String)
    case unknownElementType(file: String, tensor: String, type: String)
    /// The tensor's byte range has another size than its shape and type ask for. Unit: bytes.
    case sizeMismatch(file: String, tensor: String, expected: Int, actual: Int)
    /// The tensor ends behind the end of the file. Unit: bytes of the file.
    case truncated(file: String, tensor: String, expected: Int, actual: Int)
    case overlap(file: String, tensor: String, other: String)
    /// Bytes that belong to no tensor; positions in the data section.
    case hole(file: String, from: Int, to: Int)
    case missingTensor(file: String, tensor: String)
    /// The values are of a type that cannot be read as float32.
    case unsupportedElementType(file: String, tensor: String, type: ElementType)
}

extension SafetensorsError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let error):
            error.description
        case .truncatedHeader(let file, let expected, let actual):
            "\(file) is no whole safetensors file: its header needs \(expected) bytes and the file has \(actual); "
                + "copy or download it again"
        case .headerTooLarge(let file, let bytes, let limit):
            "\(file) states a header of \(bytes) bytes, the limit is \(limit); is it a safetensors file?"
        case .malformedHeader(let file, let reason):
            "\(file) has a malformed safetensors header: \(reason)"
        case .malformedTensor(let file, let tensor, let reason):
            "\(file), tensor \(tensor): \(reason)"
        case .unknownElementType(let file, let tensor, let type):
            "\(file), tensor \(tensor) has the unknown dtype \(type); known are "
                + ElementType.allCases.map(\.rawValue).joined(separator: ", ")
        case .sizeMismatch(let file, let tensor, let expected, let actual):
            "\(file), tensor \(tensor): its shape and dtype need \(expected) bytes, its data_offsets hold \(actual)"
        case .truncated(let file, let tensor, let expected, let actual):
            "\(file) is truncated: tensor \(tensor) ends at byte \(expected) and the file has \(actual); "
                + "copy or download it again"
        case .overlap(let file, let tensor, let other):
            "\(file), tensors \(other) and \(tensor) overlap in the data section"
        case .hole(let file, let from, let to):
            "\(file), bytes \(from)..<\(to) of the data section belong to no tensor"
        case .missingTensor(let file, let tensor):
            "\(file) has no tensor \(tensor); is this the model that its config.json describes?"
        case .unsupportedElementType(let file, let tensor, let type):
            "\(file), tensor \(tensor) is \(type.rawValue); weights are read from F32, F16 and BF16"
        }
    }
}
