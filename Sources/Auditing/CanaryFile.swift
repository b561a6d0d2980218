internal import FoundationEssentials
internal import Glibc
public import ModelFiles

/// The file that holds canaries and their coins: whoever reads it before the audit spoils it.
public enum CanaryFile {
    private static let bytesMax = 64 << 20

    /// Writes the file whole with mode 0600.
    public static func write(_ set: CanarySet, to path: String) throws(FileError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let text = try? encoder.encode(set) else { preconditionFailure("a record of plain values") }
        try AtomicFile.write(Array(text), to: path, permissions: 0o600)
    }

    public static func read(_ path: String) throws(CanaryFileError) -> CanarySet {
        let file: MappedFile
        do { file = try MappedFile(path: path) } catch { throw .file(error) }
        guard file.bytes.count <= bytesMax,
            let set = try? JSONDecoder().decode(CanarySet.self, from: Data(file.copy())),
            set.version == 1, !set.canaries.isEmpty
        else { throw .invalid(path: path) }
        guard !set.inserted.isEmpty, !set.leftOut.isEmpty else { throw .oneSided(path: path) }
        return set
    }
}

/// Why canaries cannot be looked for.
public enum CanaryFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(FileError)
    case invalid(path: String)
    case oneSided(path: String)

    public var description: String {
        switch self {
        case .file(let error): error.description
        case .invalid(let path): "\(path) holds no canaries; it must be what `shoal audit canaries --canaries` wrote"
        case .oneSided(let path):
            "\(path): all coins fell on the same side, so there is nothing to compare with; make more canaries"
        }
    }
}
