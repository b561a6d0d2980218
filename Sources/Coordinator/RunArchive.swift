public import Federation
import FoundationEssentials
import GRDB
import Glibc
import ModelFiles

/// Runs that follow one another in a state directory: what is over moves to `STATE/runs/ID`, a state directory of its own
/// that every command reads; keys and enrolments stay for the next run.
public enum RunArchive {
    /// What belongs to the coordinator and not to a run.
    private static let kept: Set<String> = [
        "coordinator.key", "coordinator.next.key", "coordinator.lock", "rotation.json", "rotation-known.json", "runs",
        "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.next.sqlite", "ledger.next.sqlite-wal",
        "ledger.next.sqlite-shm", "workers",
    ]

    private static func folder(in state: String) -> String { state + "/runs" }

    /// Folders of the runs that are over, in the order of their identifiers.
    public static func folders(in state: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder(in: state))) ?? []
        return names.filter { RunID($0) != nil }.sorted().map { folder(in: state) + "/" + $0 }
    }

    /// Moves the run of a state directory out of the way of the next one.
    ///
    /// The ledger goes last and in one step, so that a call that was cut off is simply made again.
    ///
    /// - Returns: Its identifier, and the folder it lies in from now on.
    /// - Throws: ``RunArchiveError``; an error of the state directory where a coordinator runs on it.
    public static func put(
        _ state: String, wallClock: @escaping @Sendable () -> Int64
    ) throws -> (run: RunID, folder: String) {
        let directory = try StateDirectory(path: state)
        defer { withExtendedLifetime(directory) {} }
        let ledger = try Ledger.existing(in: state, wallClock: wallClock)
        guard let run = try ledger.run() else { throw LedgerError.noRun }
        guard try run.isFinished || ledger.control().request == .stop else {
            throw RunArchiveError.notOver(run: run.id, state: state)
        }
        let target = folder(in: state) + "/" + run.id.text
        for path in [folder(in: state), target] { try PrivateAccess.makeFolder(path) }
        let next = state + "/ledger.next.sqlite"
        for suffix in ["", "-wal", "-shm"] { unlink(next + suffix) }
        try ledger.copyKeys(to: try Ledger(path: next, wallClock: wallClock))
        try ledger.settle()
        for name in try FileManager.default.contentsOfDirectory(atPath: state) where !kept.contains(name) {
            let (old, new) = (state + "/" + name, target + "/" + name)
            guard rename(old, new) == 0 else { throw FileError.last("move", old) }
        }
        let old = StateDirectory.ledger(in: state)
        guard link(old, StateDirectory.ledger(in: target)) == 0 || errno == EEXIST else {
            throw FileError.last("link", old)
        }
        try AtomicFile.synchronizeFolder(target)
        guard rename(next, old) == 0 else { throw FileError.last("rename", next) }
        for suffix in ["-wal", "-shm"] { unlink(next + suffix) }
        try AtomicFile.synchronizeFolder(state)
        return (run.id, target)
    }
}

extension Ledger {
    /// Who may connect, for a ledger that holds nothing yet.
    fileprivate func copyKeys(to other: Ledger) throws {
        for table in ["worker", "invitation"] {
            let rows = try read { try Row.fetchAll($0, sql: "SELECT * FROM \(table)") }
            try other.write { database in
                for row in rows {
                    let columns = Array(row.columnNames)
                    let places = columns.map { _ in "?" }.joined(separator: ", ")
                    try database.execute(
                        sql: "INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES (\(places))",
                        arguments: StatementArguments(columns.map { row[$0] as DatabaseValue }))
                }
            }
        }
        try other.settle()
    }

    /// Everything into the one file, and no more use of it.
    fileprivate func settle() throws {
        try database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try database.close()
    }
}

/// Why a run cannot be put away.
public enum RunArchiveError: Error, Hashable, Sendable, CustomStringConvertible {
    case notOver(run: RunID, state: String)

    public var description: String {
        switch self {
        case .notOver(let run, let state):
            "run \(run) is not over; let it finish, or end it for good with: shoal run stop '\(state)'"
        }
    }
}
