/// Why a `tokenizer.json` cannot be used.
public enum TokenizerError: Error, Equatable {
    /// No `tokenizer.json` in the model directory. `path` is the file looked for.
    case missingFile(path: String)

    /// The file exists and could not be read.
    case unreadableFile(path: String, reason: String)

    /// The bytes are not JSON. `offset` counts bytes from the start of the file.
    case malformedJSON(file: String, offset: Int, reason: String)

    /// The JSON is well formed and says something impossible. `field` is a path such as `model.merges[3]`.
    case invalidField(file: String, field: String, reason: String)

    /// A component or option that this implementation does not have; using the file anyway would give other token ids.
    case unsupported(file: String, field: String, name: String, supported: String)
}

extension TokenizerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missingFile(let path):
            "no tokenizer at \(path); the model directory needs the tokenizer.json that came with the model"
        case .unreadableFile(let path, let reason):
            "cannot read \(path): \(reason); check the file's permissions"
        case .malformedJSON(let file, let offset, let reason):
            "\(file) is not valid JSON at byte \(offset): \(reason); fetch the file again"
        case .invalidField(let file, let field, let reason):
            "\(file): \(field) \(reason); save the tokenizer again with the library that made it"
        case .unsupported(let file, let field, let name, let supported):
            "\(file): \(field) is \(name), which is not supported (supported: \(supported)); choose another model"
        }
    }
}
