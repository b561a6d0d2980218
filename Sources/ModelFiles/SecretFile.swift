internal import Glibc

/// Small text files that hold secrets: written whole with mode 0600, read only if nobody else could have read them.
package enum SecretFile {
    /// Larger files are not ours. Unit: bytes.
    package static let bytesMax = 64 << 10

    package static func write(_ text: [UInt8], to path: String) throws(FileError) {
        try AtomicFile.write(text, to: path, permissions: 0o600)
    }

    package static func read(_ path: String) throws(SecretFileError) -> [UInt8] {
        // Not blocking: the path may name a pipe.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .file(FileError(operation: "open", path: path, code: errno)) }
        defer { close(descriptor) }
        // The open file is judged, not the path: the two may differ a moment later.
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .file(FileError(operation: "stat", path: path, code: errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
        guard !PrivateAccess.isOpenToOthers(mode: status.st_mode) else {
            throw .readableByOthers(path: path, mode: status.st_mode & 0o777)
        }
        guard status.st_size <= bytesMax else { throw .tooLarge(path: path) }
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
            }
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw .file(FileError(operation: "read", path: path, code: errno))
            }
            filled += count
        }
        return Array(bytes.prefix(filled))
    }
}

/// Why a file with secrets was not read.
public enum SecretFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(FileError)
    case notARegularFile(path: String)
    case readableByOthers(path: String, mode: UInt32)
    case tooLarge(path: String)
    case invalid(path: String, reason: String)

    public var description: String {
        switch self {
        case .file(let error): error.description
        case .notARegularFile(let path): "\(path) is not a regular file"
        case .readableByOthers(let path, let mode):
            "\(path) holds a secret key but has mode 0\(String(mode, radix: 8)); run: chmod 600 '\(path)' "
                + "(and make new keys if other users may have read it)"
        case .tooLarge(let path): "\(path) is over \(SecretFile.bytesMax) bytes and so not a file of Shoal's"
        case .invalid(let path, let reason): "\(path): \(reason)"
        }
    }
}
