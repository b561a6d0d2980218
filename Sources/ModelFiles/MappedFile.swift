internal import Glibc

/// A file's bytes mapped read-only into memory, shared by every process that maps it; unmapped with the last reference.
///
/// Reading a page costs memory once a host, however many workers map the same checkpoint. The file must not shrink
/// while it is mapped: the kernel answers a read beyond its new end with SIGBUS. So Shoal's own files are replaced by
/// rename (``AtomicFile``), never rewritten in place.
///
/// `@unchecked Sendable` is safe: the pointer never changes after `init`, its memory is mapped without write permission,
/// and only `deinit`, which nothing can run beside, unmaps it.
public final class MappedFile: @unchecked Sendable {
    public let path: String
    /// The whole file, or the part that was asked for. Valid only while this object lives, and Swift may release it right
    /// after the last mention of its name: prefer ``withBytes(_:)``, or store the object beside what points into it.
    public let bytes: UnsafeRawBufferPointer
    private let mapping: UnsafeRawBufferPointer
    /// Of the file when it was mapped.
    package let stamp: FileStamp
    private let disk: any Disk

    public convenience init(path: String) throws(FileError) {
        try self.init(path: path, part: nil)
    }

    /// - Parameter range: The bytes wanted; a file that ends before them is damaged (`EIO`).
    package convenience init(path: String, range: Range<Int>) throws(FileError) {
        try self.init(path: path, part: range)
    }

    private init(path: String, part: Range<Int>?) throws(FileError) {
        // Without O_NONBLOCK, opening a pipe would wait for a writer; for regular files the flag means nothing.
        let disk = DiskTable.disk(of: path)
        let descriptor = disk.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0)
        guard descriptor >= 0 else { throw FileError.last("open", path) }
        defer { _ = disk.close(descriptor) }
        guard let status = disk.status(of: descriptor) else { throw FileError.last("examine", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            throw FileError(operation: "map", path: path, code: isDirectory ? EISDIR : EINVAL)
        }
        self.path = path
        self.disk = disk
        stamp = FileStamp(status)
        let range = part ?? 0..<Int(status.st_size)
        guard range.upperBound <= status.st_size else { throw FileError(operation: "map", path: path, code: EIO) }
        guard range.upperBound > 0 else {  // mmap refuses a length of zero.
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            mapping = bytes
            return
        }
        guard let start = disk.map(descriptor, range.upperBound) else { throw FileError.last("map", path) }
        mapping = UnsafeRawBufferPointer(start: start, count: range.upperBound)
        bytes = UnsafeRawBufferPointer(rebasing: mapping[range])
    }

    /// Lends ``bytes``, which stay mapped until `body` returns.
    public func withBytes<Result, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(bytes)
    }

    /// A copy of ``bytes``.
    public func copy() -> [UInt8] {
        withBytes { Array($0) }
    }

    deinit {
        if let start = mapping.baseAddress { disk.unmap(start, mapping.count) }
    }
}
