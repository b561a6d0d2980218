import Glibc

/// Reads a whole file.
func readFile(_ path: String) throws(TokenizerError) -> [UInt8] {
    // Without O_NONBLOCK, opening a pipe would wait for a writer; for regular files the flag means nothing.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0, let file = fdopen(descriptor, "rb") else {
        let code = errno
        if descriptor >= 0 { close(descriptor) }
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
