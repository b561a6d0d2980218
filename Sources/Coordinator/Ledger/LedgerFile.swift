import GRDB
import Glibc
import ModelFiles

extension Ledger {
    /// The ledger of a state directory that somebody else may be using.
    ///
    /// - Throws: ``StateDirectoryError/notAState(path:)`` for a folder without one; nothing is made there.
    public static func existing(
        in state: String, wallClock: @escaping @Sendable () -> Int64
    ) throws -> Ledger {
        let path = StateDirectory.ledger(in: state)
        guard DiskTable.disk(of: path).exists(path) else { throw StateDirectoryError.notAState(path: state) }
        return try Ledger(path: path, wallClock: wallClock)
    }

    /// Makes the database file with mode 0600 before SQLite does, and takes it from others where it was theirs to read:
    /// it holds hashes of updates, each a test of who trained on what. SQLite gives its other files the same mode.
    static func keepPrivate(_ path: String) throws(LedgerError) {
        let disk = DiskTable.disk(of: path)
        // Never a file that is there: closing a descriptor gives up all locks that this process holds on it, also those of
        // a ledger that it has open, and another process would take it for the last one.
        if !disk.exists(path) {
            let descriptor = disk.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 || errno == EEXIST else { throw .file(.last("open", path)) }
            if descriptor >= 0 { _ = disk.close(descriptor) }
        }
        for file in [path, path + "-wal", path + "-shm"] {
            guard PrivateAccess.isOpenToOthers(file) else { continue }
            guard disk.changePermissions(file, 0o600) == 0 else { throw .file(.last("make private", file)) }
        }
    }

    /// Reads the whole database once: what a failing disk or another program's hand left is found at the start.
    public func requireSound() throws(LedgerError) {
        let found = try read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
        guard found == "ok" else { throw .corrupt(path: database.path, reason: found ?? "no answer") }
    }
}
