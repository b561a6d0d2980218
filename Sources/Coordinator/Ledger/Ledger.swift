public import Federation
import GRDB
import Glibc
public import ModelFiles

/// A state directory's durable record: the run, its rounds, updates, adapters, evaluations, and who may connect.
///
/// SQLite in WAL mode with `synchronous=FULL`: a transaction that returned survives a power cut. Reads run beside the
/// writer and other processes (`shoal keys`), from any thread. `wallClock` is the only clock in here: enrolment dates
/// and the expiry of invitations mean calendar time.
public final class Ledger: Sendable {
    let database: DatabasePool
    /// Unit: seconds since 1970.
    let wallClock: @Sendable () -> Int64

    /// Opens or creates `STATE/ledger.sqlite`, readable by its owner alone; the folder must exist.
    public init(path: String, wallClock: @escaping @Sendable () -> Int64) throws(LedgerError) {
        try Self.keepPrivate(path)
        self.wallClock = wallClock
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = true
        // What is erased (keys of noise and masks, above all) is overwritten, not left in free pages.
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA secure_delete = ON") }
        // Two readers suffice: the admission check beside the service.
        configuration.maximumReaderCount = 2
        let settings = configuration
        database = try ledgerResult(path) {
            try Self.whenFree {
                let database = try DatabasePool(path: path, configuration: settings)
                // GRDB sets NORMAL with WAL, which may lose the last transactions in a power cut.
                try database.writeWithoutTransaction { database in
                    try database.execute(sql: "PRAGMA synchronous = FULL")
                    // A process that was killed between writing a transaction and synchronising it leaves it valid in
                    // the system's cache only. From here on it is answered for, so it must reach the disk first.
                    try database.checkpoint(.passive)
                }
                return database
            }
        }
        try ledgerResult(path) { try Self.whenFree { try Self.migrator.migrate(database) } }
    }

    /// Waits, for a few seconds, for other programs that open the ledger.
    ///
    /// SQLite's own waiting covers neither the change to WAL nor a transaction that began by reading. Of two that migrate
    /// at once the later finds tables that it was about to make; it is rolled back, and looks again.
    private static func whenFree<Value>(_ open: () throws -> Value) throws -> Value {
        let passing: [ResultCode] = [.SQLITE_BUSY, .SQLITE_ERROR, .SQLITE_CONSTRAINT]
        var triesLeft = 100
        while true {
            do {
                return try open()
            } catch let error as DatabaseError where triesLeft > 0 && passing.contains(error.resultCode) {
                triesLeft -= 1
                usleep(50_000)
            }
        }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(LedgerError) -> Value {
        try ledgerResult(database.path) { try database.read(body) }
    }

    func write<Value>(_ body: (Database) throws -> Value) throws(LedgerError) -> Value {
        try ledgerResult(database.path) { try database.write(body) }
    }

    /// The setting that the writer runs with; 2 is FULL.
    package func synchronousSetting() throws(LedgerError) -> Int? {
        try ledgerResult(database.path) {
            try database.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
        }
    }
}

/// What went wrong with the ledger, or what a request against it got wrong.
public enum LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    case database(path: String, reason: String)
    case file(FileError)
    /// The file is no sound SQLite database.
    case corrupt(path: String, reason: String)
    case damaged(what: String)
    case nameTaken(WorkerName)
    case keyTaken(WorkerName)
    case unknownWorker(WorkerName)
    case invitationExpired(id: String)
    case invitationUsed(id: String)
    case unknownInvitation(id: String)
    case noRun
    case runFinished
    /// Unit: seconds since 1970.
    case runStopped(at: Int64)
    case simulatedPrivacy

    public var description: String {
        switch self {
        case .database(let path, let reason):
            "the ledger \(path) cannot be used: \(reason); check free space and permissions, then start again"
        case .file(let error): "\(error); check free space and permissions, then start again"
        case .corrupt(let path, let reason):
            "the ledger \(path) is damaged: \(reason); restore the state directory from a backup, or begin a new run "
                + "with another --state and adapter.from set to the adapter in this one"
        case .damaged(let what):
            "the ledger holds \(what), which this program did not write; restore the state directory"
        case .nameTaken(let name): "a worker named '\(name)' is enrolled; revoke it first or choose another name"
        case .keyTaken(let name): "this key belongs to worker '\(name)'; every worker needs its own key"
        case .unknownWorker(let name): "no worker or open invitation is named '\(name)'; see shoal keys list"
        case .invitationExpired: "the invitation has expired; ask for a new one (shoal keys invite)"
        case .invitationUsed: "the invitation was used with other keys; ask for a new one (shoal keys invite)"
        case .noRun: "the state directory holds no run yet; start one with shoal coordinator or shoal simulate"
        case .runFinished:
            "the run is finished; raise federation.rounds and start its coordinator again for more rounds"
        case .runStopped(let at):
            "the run was stopped for good at \(CalendarTime.text(at)); start another one with another --state, from its "
                + "adapter with adapter.from if it should go on from there"
        case .simulatedPrivacy:
            "the run began as a simulation: coins and noise come from its seed and protect nobody; go on with it by shoal "
                + "simulate, or start another run with another --state (adapter.from takes up its adapter)"
        case .unknownInvitation: "the invitation is unknown; ask for a new one (shoal keys invite)"
        }
    }
}

/// Runs a database call and gives its failure a type; errors that a call threw as ``LedgerError`` stay as they are.
func ledgerResult<Value>(_ path: String, _ body: () throws -> Value) throws(LedgerError) -> Value {
    do {
        return try body()
    } catch let error as LedgerError {
        throw error
    } catch let error as DatabaseError {
        let reason = error.message ?? error.resultCode.description
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: throw .corrupt(path: path, reason: reason)
        default: throw .database(path: path, reason: reason)
        }
    } catch {
        throw .database(path: path, reason: String(describing: error))
    }
}
