import Glibc

/// Reads a whole file.
func readFile(_ path: String) throws(TokenizerError) -> [UInt8] {
    guard let file = fopen(path, "rb") else {
        let code = errno
        if code == ENOENT || code == ENOTDIR { throw .missingFile(path: path) }
        throw .unreadableFile(path: path, reason: String(cString: strerror(code)))
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&chunk, 1, chunk.count, file)
        bytes.append(contentsOf: chunk[..<count])
        if count == chunk.count { continue }
        guard ferror(file) == 0 else { throw .unreadableFile(path: path, reason: String(cString: strerror(errno))) }
        return bytes
    }
}
