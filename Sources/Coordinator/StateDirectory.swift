import Glibc
public import ModelFiles

/// The folder of one run at its coordinator, held by one coordinator at a time.
///
/// The lock is advisory and belongs to this object: a killed process leaves none behind.
public final class StateDirectory {
    public let path: String
    private let lock: Int32
    private let disk: any Disk

    /// Creates the folder if needed and takes the lock.
    public init(path: String) throws(StateDirectoryError) {
        let disk = DiskTable.disk(of: path)
        do throws(FileError) {
            try PrivateAccess.makeFolder(path)
            // An earlier process may have been killed after it made names and before they were durable.
            try AtomicFile.synchronizeEntry(of: path)
            try AtomicFile.synchronizeFolder(path)
            lock = disk.open(path + "/coordinator.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard lock >= 0 else { throw FileError.last("open", path + "/coordinator.lock") }
        } catch {
            throw .unusable(error)
        }
        self.path = path
        self.disk = disk
        // Whoever merely asks (`isHeld`) holds the lock for a moment.
        var isHeld = disk.lock(lock, LOCK_EX | LOCK_NB) == 0
        for _ in 0..<20 where !isHeld && errno == EWOULDBLOCK {
            usleep(10_000)
            isHeld = disk.lock(lock, LOCK_EX | LOCK_NB) == 0
        }
        guard isHeld else {
            let code = errno
            _ = disk.close(lock)
            throw code == EWOULDBLOCK
                ? .inUse(path: path)
                : .unusable(FileError(operation: "lock", path: path + "/coordinator.lock", code: code))
        }
    }

    deinit { _ = disk.close(lock) }

    /// Whether a coordinator runs on the state directory, in this process or another.
    public static func isHeld(_ path: String) -> Bool {
        let disk = DiskTable.disk(of: path)
        let descriptor = disk.open(path + "/coordinator.lock", O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return false }
        defer { _ = disk.close(descriptor) }
        return disk.lock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    public var ledger: String { Self.ledger(in: path) }
    /// The current adapter, a PEFT directory.
    public var adapter: String { Self.adapter(in: path, round: nil) }
    /// The ledger of a state directory that another process may hold: what `shoal keys` opens.
    public static func ledger(in path: String) -> String { path + "/ledger.sqlite" }

    /// One round's adapter, `adapters/NNNN`.
    public func adapter(round: Int) -> String { Self.adapter(in: path, round: round) }

    /// The same of a state directory that another process may hold; `nil` names the current adapter.
    public static func adapter(in path: String, round: Int?) -> String {
        guard let round else { return path + "/adapter" }
        let digits = String(round)
        return path + "/adapters/" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

public enum StateDirectoryError: Error, Hashable, Sendable, CustomStringConvertible {
    case inUse(path: String)
    case notAState(path: String)
    case unusable(FileError)

    public var description: String {
        switch self {
        case .inUse(let path):
            "another coordinator runs on the state directory \(path); stop it first or choose another --state"
        case .notAState(let path):
            "\(path) holds no state of a Shoal coordinator (no ledger.sqlite); name the folder that was given to "
                + "shoal coordinator or shoal simulate as --state"
        case .unusable(let error): error.description
        }
    }
}
