/// Why the built-in model could not be written to disk.
public enum BuiltInFilesError: Error, Equatable {
    case cannotCreateFolder(path: String, reason: String)
    case cannotWrite(path: String, reason: String)
}

extension BuiltInFilesError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cannotCreateFolder(let path, let reason):
            "cannot create the folder \(path) for the built-in model; choose a folder you may write to (\(reason))"
        case .cannotWrite(let path, let reason):
            "cannot write the built-in model's \(path); check free space and permissions (\(reason))"
        }
    }
}
