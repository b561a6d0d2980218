internal import Glibc
public import ModelFiles

/// The folder in which the workers of a machine meet to share it out: one for all users who may write `/run/shoal`, else
/// one for each user.
public struct SlotFolder: Hashable, Sendable {
    public let path: String
    /// Of files in it.
    let permissions: mode_t

    /// The folder that every worker of this user finds, made where it is missing.
    ///
    /// - Parameters:
    ///   - environment: `SHOAL_SLOTS_FOLDER` names another one.
    public static func shared(environment: [String: String]) throws(SlotFolderError) -> SlotFolder {
        if let chosen = environment["SHOAL_SLOTS_FOLDER"], !chosen.isEmpty { return try SlotFolder(path: chosen) }
        if access("/run/shoal", W_OK | X_OK) == 0 { return try SlotFolder(path: "/run/shoal") }
        if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/"), access(runtime, W_OK | X_OK) == 0 {
            return try SlotFolder(path: runtime + "/shoal")
        }
        // Not TMPDIR: that need not be the same for all.
        return try SlotFolder(path: "/tmp/shoal-\(getuid())")
    }

    /// Makes the folder for its owner alone where it is missing, and refuses one in which strangers could lock others out.
    public init(path: String) throws(SlotFolderError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw .file(.last("make the folder", path)) }
        var status = stat()
        guard lstat(path, &status) == 0 else { throw .file(.last("examine", path)) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .noFolder(path: path) }
        guard status.st_uid == getuid() || status.st_uid == 0 else { throw .ofOthers(path: path) }
        guard status.st_mode & 0o002 == 0 else { throw .openToOthers(path: path) }
        self.path = path
        permissions = status.st_mode & 0o020 == 0 ? 0o600 : 0o660
    }
}

/// Why workers cannot meet in a folder.
public enum SlotFolderError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(FileError)
    case noFolder(path: String)
    case ofOthers(path: String)
    case openToOthers(path: String)

    public var description: String {
        let remedy = "; remove it, or name another folder with SHOAL_SLOTS_FOLDER"
        return switch self {
        case .file(let error): error.description
        case .noFolder(let path): "\(path) is no folder" + remedy
        case .ofOthers(let path): "\(path) belongs to another user" + remedy
        case .openToOthers(let path): "everybody may write into \(path)" + remedy
        }
    }
}
