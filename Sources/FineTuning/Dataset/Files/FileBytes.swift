internal import Glibc
internal import ModelFiles

/// A file's bytes from front to back, of which memory holds a window: one chunk, or one row where that is longer.
struct FileBytes: ~Copyable {
    static let chunkBytes = 1 << 20

    let path: String
    private let descriptor: Int32
    private var buffer: [UInt8]
    /// What has been read and not yet taken lies in `buffer[start..<end]`.
    private var start = 0
    private var end = 0
    private var isAtEnd = false

    /// Opens the file and skips a byte order mark.
    init(path: String) throws(DataError) {
        // Without O_NONBLOCK, opening a pipe would wait for a writer; for regular files the flag means nothing.
        descriptor = retryingInterrupts { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        self.path = path
        buffer = []
        guard descriptor >= 0 else { throw .unreadable(FileError.last("open", path)) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(FileError.last("examine", path)) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            throw .unreadable(FileError(operation: "read", path: path, code: isDirectory ? EISDIR : EINVAL))
        }
        _ = try fill()
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        if buffer[..<end].starts(with: mark) { start = mark.count }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Reads another chunk behind what is there.
    ///
    /// - Returns: False at the end of the file.
    private mutating func fill() throws(DataError) -> Bool {
        guard !isAtEnd else { return false }
        if start > 0 {
            let rest = end - start
            buffer.withUnsafeMutableBytes { bytes in
                if let base = bytes.baseAddress { memmove(base, base + start, rest) }
            }
            (start, end) = (0, rest)
        }
        if buffer.count < end + Self.chunkBytes {
            // Doubling keeps the copies of a long row few.
            let size = max(end + Self.chunkBytes, end * 2)
            buffer += [UInt8](repeating: 0, count: size - buffer.count)
        }
        let count = buffer.withUnsafeMutableBytes { bytes in
            let target = UnsafeMutableRawBufferPointer(rebasing: bytes[end..<(end + Self.chunkBytes)])
            return retryingInterrupts { read(descriptor, target.baseAddress, target.count) }
        }
        guard count >= 0 else { throw .unreadable(FileError.last("read", path)) }
        end += count
        isAtEnd = count == 0
        return count > 0
    }

    /// The next byte, taken; `nil` at the end.
    mutating func next() throws(DataError) -> UInt8? {
        if start == end, try !fill() { return nil }
        defer { start += 1 }
        return buffer[start]
    }

    /// The next byte, left there; `nil` at the end.
    mutating func peek() throws(DataError) -> UInt8? {
        if start == end, try !fill() { return nil }
        return buffer[start]
    }

    /// Takes everything up to and including the next line feed, or the rest of the file, and lends it to `body`.
    ///
    /// - Parameters:
    ///   - limitBytes: Longer lines are refused.
    ///   - line: The line's number, for that error.
    /// - Returns: `nil` at the end of the file.
    mutating func takeLine<Result>(
        limitBytes: Int, line: Int, _ body: (UnsafeBufferPointer<UInt8>) throws(DataError) -> Result
    ) throws(DataError) -> Result? {
        var searched = 0
        while true {
            let found = buffer.withUnsafeBufferPointer { bytes -> Int? in
                guard let base = bytes.baseAddress, end > start + searched else { return nil }
                let from = base + start + searched
                guard let place = memchr(from, Int32(UInt8(ascii: "\n")), end - start - searched) else { return nil }
                return UnsafeRawPointer(base).distance(to: place) + 1
            }
            var lineEnd = found
            if lineEnd == nil {
                searched = end - start
                guard searched <= limitBytes else { throw .tooLong(.line(file: path, line), limitBytes: limitBytes) }
                if try !fill() {
                    if start == end { return nil }
                    lineEnd = end
                }
            }
            guard let lineEnd else { continue }
            let range = start..<lineEnd
            guard range.count <= limitBytes + 1 else {
                throw .tooLong(.line(file: path, line), limitBytes: limitBytes)
            }
            start = lineEnd
            return try lend(range, body)
        }
    }

    private func lend<Result>(
        _ range: Range<Int>, _ body: (UnsafeBufferPointer<UInt8>) throws(DataError) -> Result
    ) throws(DataError) -> Result {
        try buffer.withUnsafeBufferPointer { (bytes) throws(DataError) in
            try body(UnsafeBufferPointer(rebasing: bytes[range]))
        }
    }
}
