internal import Dispatch
internal import FoundationEssentials
internal import Glibc
public import ModelFiles
internal import Randomness
internal import Synchronization

/// Model directories with random weights, kept in a cache folder and made once.
///
/// A directory's content depends on its shape, its element type and the format version alone. There is no tokenizer.
public enum RandomCheckpoint {
    /// Part of the folder's name: raise it when the same shape gets other bytes.
    static let formatVersion = 1
    /// Values that one stream of random numbers fills: small enough to share the work, large enough to be few.
    private static let chunkValues = 1 << 18

    /// The directory of that shape under `cache`, written if it is not there yet.
    ///
    /// - Parameter type: float32 or bfloat16.
    public static func directory(
        of shape: ModelShape, type: ElementType, cache: String
    ) throws(RandomCheckpointError) -> String {
        precondition(type == .float32 || type == .bfloat16, "random weights as \(type)")
        let path = "\(cache)/\(shape.name)-\(type == .bfloat16 ? "bfloat16" : "float32")-v\(formatVersion)"
        let plan = FilePlan(shape, type: type)
        // Not flushed to the disk when it was written, so a crash may have left it short: then it is made again.
        if size(of: path + "/model.safetensors") == plan.byteCount { return path }
        try makeFolders(cache)
        try requireSpace(plan.byteCount, in: cache)
        let temporary = try makeTemporaryFolder(in: cache, for: shape.name)
        do throws(RandomCheckpointError) {
            try write(plan, to: temporary + "/model.safetensors")
            do { try AtomicFile.write(shape.configuration(type: type), to: temporary + "/config.json") } catch {
                throw .file(error)
            }
            try publish(temporary, as: path, byteCount: plan.byteCount)
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            throw error
        }
        return path
    }

    /// Gives the finished folder its name; another process may have been faster with the same bytes.
    private static func publish(
        _ temporary: String, as path: String, byteCount: Int
    ) throws(RandomCheckpointError) {
        if rename(temporary, path) == 0 { return }
        if size(of: path + "/model.safetensors") == byteCount {
            try? FileManager.default.removeItem(atPath: temporary)
            return
        }
        try? FileManager.default.removeItem(atPath: path)
        guard rename(temporary, path) == 0 else { throw .file(.last("rename \(temporary) to", path)) }
    }

    private static func write(_ plan: FilePlan, to path: String) throws(RandomCheckpointError) {
        let descriptor = retryingInterrupts { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644) }
        guard descriptor >= 0 else { throw .file(.last("create", path)) }
        defer { close(descriptor) }
        let failure = Mutex<FileError?>(nil)
        @Sendable func report(_ error: FileError) { failure.withLock { $0 = $0 ?? error } }
        plan.header.withUnsafeBytes { bytes in
            if let error = put(bytes, at: 0, descriptor, path) { report(error) }
        }
        switch plan.type {
        case .bfloat16:
            fill(
                plan, descriptor, path, table: NormalTable.bfloat16(deviation: 0.02), one: NormalTable.bfloat16(1),
                zero: 0, report: report)
        default:
            fill(plan, descriptor, path, table: NormalTable.float32(deviation: 0.02), one: 1, zero: 0, report: report)
        }
        if let error = failure.withLock({ $0 }) { throw .file(error) }
    }

    /// Fills chunks on every core, each from a stream of its own: the bytes do not depend on the number of cores.
    private static func fill<Value: BitwiseCopyable & Sendable>(
        _ plan: FilePlan, _ descriptor: Int32, _ path: String, table: [Value], one: Value, zero: Value,
        report: @Sendable (FileError) -> Void
    ) {
        let chunks = plan.chunks(of: chunkValues)
        let workers = min(ProcessInfo.processInfo.activeProcessorCount, chunks.count)
        DispatchQueue.concurrentPerform(iterations: workers) { worker in
            let buffer = UnsafeMutableBufferPointer<Value>.allocate(capacity: chunkValues)
            defer { buffer.deallocate() }
            for index in stride(from: worker, to: chunks.count, by: workers) {
                let chunk = chunks[index]
                let part = UnsafeMutableBufferPointer(rebasing: buffer[..<chunk.count])
                switch chunk.filling {
                case .ones: part.initialize(repeating: one)
                case .zeros: part.initialize(repeating: zero)
                case .normal: draw(into: part, from: table, stream: UInt64(index))
                }
                if let error = put(UnsafeRawBufferPointer(part), at: chunk.offset, descriptor, path) {
                    report(error)
                    return
                }
            }
        }
    }

    /// Four values from each 64 random bits.
    private static func draw<Value: BitwiseCopyable>(
        into target: UnsafeMutableBufferPointer<Value>, from table: [Value], stream: UInt64
    ) {
        var random = CounterRandom(key: stream)
        table.withUnsafeBufferPointer { table in
            var index = 0
            while index < target.count {
                var bits = random.next()
                for position in index..<min(index + 4, target.count) {
                    target.initializeElement(at: position, to: table[Int(bits & 0xFFFF)])
                    bits >>= 16
                }
                index += 4
            }
        }
    }

    private static func put(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, _ descriptor: Int32, _ path: String
    ) -> FileError? {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let written = retryingInterrupts { pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done)) }
            guard written > 0 else { return .last("write", path) }
            done += written
        }
        return nil
    }

    private static func makeFolders(_ path: String) throws(RandomCheckpointError) {
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw .noFolder(path)
        }
    }

    private static func makeTemporaryFolder(
        in folder: String, for name: String
    ) throws(RandomCheckpointError) -> String {
        let made = "\(folder)/.\(name).XXXXXX".withCString { template -> String? in
            guard let copy = strdup(template) else { return nil }
            defer { free(copy) }
            return mkdtemp(copy).map { String(cString: $0) }
        }
        guard let path = made else { throw .file(.last("create a folder in", folder)) }
        // Other users may share the cache: as open as any folder, not only for this one.
        guard chmod(path, 0o755) == 0 else { throw .file(.last("open to others", path)) }
        return path
    }

    private static func requireSpace(_ byteCount: Int, in folder: String) throws(RandomCheckpointError) {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { throw .file(.last("examine", folder)) }
        let free = Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
        // A full disk harms others: leave a little.
        guard free > byteCount + 64 << 20 else { throw .noSpace(folder: folder, needed: byteCount, free: free) }
    }

    private static func size(of path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }
}

/// What keeps a random model from being written.
public enum RandomCheckpointError: Error, Hashable, Sendable {
    case noFolder(String)
    /// Unit: bytes.
    case noSpace(folder: String, needed: Int, free: Int)
    case file(FileError)
}

extension RandomCheckpointError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noFolder(let path):
            "cannot create the folder \(path) for random models; name another one with --cache"
        case .noSpace(let folder, let needed, let free):
            "a random model of this shape takes \(needed >> 20) MiB, but \(folder) has only \(free >> 20) MiB free; "
                + "make room, or name another folder with --cache"
        case .file(let error): error.description
        }
    }
}
