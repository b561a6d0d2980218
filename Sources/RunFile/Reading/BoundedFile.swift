import Glibc

/// Reads a text file that may be too long, a folder, or no text.
enum BoundedFile {
    /// - Parameter check: Judges the open file before it is read.
    static func text(
        path: String, limit: Int, check: (stat) throws(RunFileError) -> Void = { _ in }
    ) throws(RunFileError) -> String {
        // Without O_NONBLOCK, opening a pipe would wait for a writer; for regular files the flag means nothing.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw RunFileError(location: path, message: "cannot be opened: \(reason())") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw RunFileError(location: path, message: "cannot be examined: \(reason())")
        }
        try check(status)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= limit {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw RunFileError(location: path, message: "cannot be read: \(reason())") }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        guard bytes.count <= limit else {
            throw RunFileError(location: path, message: "is larger than \(limit) bytes; a run file has a few kilobytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RunFileError(location: path, message: "is not UTF-8 text; save it as UTF-8")
        }
        return text
    }

    private static func reason() -> String {
        String(cString: strerror(errno))
    }
}
