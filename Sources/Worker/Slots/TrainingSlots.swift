internal import Glibc
public import ModelFiles

/// Shares a machine out among the tasks of all its worker processes.
///
/// Each task that computes holds a lock (flock(2)) on a file of the folder, which the kernel lifts when its process ends,
/// however it ends. In the file stands what the task takes; whoever wants to begin adds up what the locked files say,
/// while a lock on `gate` keeps others from doing the same. A task waits for nothing else while it holds its place, so
/// that places always come free.
public final class TrainingSlots: Sendable {
    /// Files in the folder at most.
    static let countMax = 1024

    private let folder: SlotFolder
    private let limit: SlotLimit
    private let host: SlotHost

    public init(in folder: SlotFolder, limit: SlotLimit, host: SlotHost) {
        self.folder = folder
        self.limit = limit
        self.host = host
    }

    /// A place for a task, or `nil` while there is none.
    public func take(_ need: SlotNeed) throws(FileError) -> TrainingSlot? {
        let gate = try open(folder.path + "/gate")
        // Held for moments; whoever finds it locked comes back.
        guard try lock(gate) else { return nil }
        let (live, free) = try survey()
        guard host.admission(limit).admits(need, beside: live.map(seen)) else { return nil }
        let file: SlotFile
        if let free { file = free } else if let new = try newFile(live.count) { file = new } else { return nil }
        try file.write(SlotRecord(need: need, process: getpid()))
        return TrainingSlot(file)
    }

    /// What the locked files say, and one that nobody has locked, locked now.
    private func survey() throws(FileError) -> (live: [SlotRecord], free: SlotFile?) {
        var live: [SlotRecord] = []
        var free: SlotFile?
        for number in 0..<Self.countMax {
            let path = path(number)
            guard access(path, F_OK) == 0 else { break }
            let file = try open(path)
            if try lock(file) { free = free ?? file } else { live.append(file.record) }
        }
        return (live, free)
    }

    /// One more file, locked; `nil` where there are enough.
    private func newFile(_ number: Int) throws(FileError) -> SlotFile? {
        guard number < Self.countMax else { return nil }
        let file = try open(path(number))
        return try lock(file) ? file : nil
    }

    private func seen(_ record: SlotRecord) -> LiveSlot {
        let (used, isStopped) = host.state(of: record.process)
        return LiveSlot(need: record.need, usedBytes: used, isStopped: isStopped)
    }

    private func path(_ number: Int) -> String { "\(folder.path)/slot-\(number)" }

    private func open(_ path: String) throws(FileError) -> SlotFile {
        try SlotFile(path: path, permissions: folder.permissions)
    }

    private func lock(_ file: SlotFile) throws(FileError) -> Bool { try file.lock() }
}

/// A task's place on its machine, until it is released or the last reference goes.
public final class TrainingSlot: Sendable {
    private let file: SlotFile

    fileprivate init(_ file: SlotFile) {
        self.file = file
    }
}

/// What a locked file says.
struct SlotRecord: Hashable {
    var need: SlotNeed
    var process: Int32
}

/// An open file of the slot folder, unlocked when the last reference goes.
private final class SlotFile: Sendable {
    private let descriptor: Int32
    private let path: String

    init(path: String, permissions: mode_t) throws(FileError) {
        descriptor = retryingInterrupts {
            Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, permissions)
        }
        guard descriptor >= 0 else { throw .last("open", path) }
        self.path = path
    }

    deinit { close(descriptor) }

    /// - Returns: Whether the lock is this process's now.
    func lock() throws(FileError) -> Bool {
        if retryingInterrupts({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 { return true }
        guard errno == EWOULDBLOCK else { throw .last("lock", path) }
        return false
    }

    func write(_ record: SlotRecord) throws(FileError) {
        let text = Array("\(record.need.threads) \(record.need.bytes) \(record.process)\n".utf8)
        guard retryingInterrupts({ pwrite(descriptor, text, text.count, 0) }) == text.count,
            ftruncate(descriptor, off_t(text.count)) == 0
        else { throw .last("write", path) }
    }

    /// Of a file that another process holds; one that says nothing takes a thread.
    var record: SlotRecord {
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = retryingInterrupts { pread(descriptor, &bytes, bytes.count, 0) }
        let words = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
            .split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard words.count == 3, let threads = Int(words[0]), threads >= 0, let memory = UInt64(words[1]),
            let process = Int32(words[2])
        else { return SlotRecord(need: SlotNeed(threads: 1, bytes: 0), process: 0) }
        return SlotRecord(need: SlotNeed(threads: threads, bytes: memory), process: process)
    }
}
