public import Federation
internal import FoundationEssentials
internal import Glibc
public import ModelFiles

/// What a worker remembers across restarts, in a folder of its own that nobody else can read.
///
/// ```
/// worker.json    name, run, whether the keys are registered
/// coordinator.json  the coordinator's keys, see CoordinatorKeyStore
/// signing.key    see WorkerIdentity
/// noise.key      a secret that this worker's noise comes from, and its draws under a policy, see WorkerPrivacy
/// owner.json     what has left under an owner's policy, see OwnerLedger
/// examples.json  what trainings with noise on single examples have cost, see ExampleLedger
/// pending/       a trained update that the coordinator has not acknowledged
/// residual/      what biased codecs left out of updates so far
/// control/       the control variate of SCAFFOLD
/// own/           what is this worker's own of its model: a factor, or an adapter beside the run's
/// adapter/       that model, as a PEFT directory
/// records/       the newest round record seen of each run, see RecordMemory
/// masks/         of each run whose updates are summed under masks: what the newest attempt needs, see MaskStore
/// models/        base models that came from the coordinator
/// lock           held while a worker runs on this state
/// ```
public final class WorkerState {
    private struct Record: Codable {
        var version = 1
        var isEnrolled = false
        var worker: String?
        var run: String?
    }

    public let folder: String
    private var record: Record
    private let lock: Int32
    private let disk: any Disk

    private static let recordBytesMax = 64 << 10

    /// Opens the folder, or makes it with mode 0700.
    public init(folder: String) throws(WorkerStateError) {
        do throws(FileError) {
            try PrivateAccess.makeFolder(folder)
            for name in ["pending", "residual", "residual-a", "control", "own", "records", "masks", "models"] {
                try PrivateAccess.makeFolder(folder + "/" + name)
            }
            // An earlier process may have been killed after it made names and before they were durable.
            try AtomicFile.synchronizeEntry(of: folder)
            try AtomicFile.synchronizeFolder(folder)
        } catch { throw .file(error) }
        let path = folder + "/lock"
        disk = DiskTable.disk(of: folder)
        let descriptor = disk.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(.last("open", path)) }
        guard disk.lock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            _ = disk.close(descriptor)
            throw .inUse(folder: folder)
        }
        do throws(WorkerStateError) {
            record = try Self.read(folder)
        } catch {
            _ = disk.close(descriptor)
            throw error
        }
        lock = descriptor
        self.folder = folder
    }

    deinit { _ = disk.close(lock) }

    /// Whether the coordinator has registered this worker's own keys.
    public var isEnrolled: Bool { record.isEnrolled }
    /// The name the coordinator knows this worker by; `nil` before it said so.
    public var worker: WorkerName? { record.worker.flatMap { WorkerName($0) } }
    /// The run of the last session.
    public var run: RunID? { record.run.flatMap { RunID($0) } }

    /// 32 secret bytes that only this worker knows; made on first use, mode 0600.
    ///
    /// - Throws: Also where others may read it: they could take the noise off again.
    func noiseSecret() throws(WorkerStateError) -> [UInt8] {
        let path = folder + "/noise.key"
        guard !PrivateAccess.isOpenToOthers(path) else { throw .readableByOthers(path: path) }
        do {
            let kept = try StateFolder.read(path, bytesMax: SecretStream.keyBytes)
            if let kept, kept.count == SecretStream.keyBytes { return kept }
            let secret = SecretStream.randomKey()
            try AtomicFile.write(secret, to: path, permissions: 0o600)
            return secret
        } catch { throw .file(error) }
    }

    /// The keys registered with the coordinator are the own ones from now on.
    public func enrolled(as worker: WorkerName) throws(WorkerStateError) {
        try change {
            $0.isEnrolled = true
            $0.worker = worker.text
        }
    }

    func joined(_ run: RunID, as worker: WorkerName) throws(WorkerStateError) {
        guard record.run != run.text || record.worker != worker.text || !record.isEnrolled else { return }
        try change {
            $0.isEnrolled = true
            $0.run = run.text
            $0.worker = worker.text
        }
    }

    var pendingFolder: String { folder + "/pending" }
    var residualFolder: String { folder + "/residual" }
    var residualOfAFolder: String { folder + "/residual-a" }
    var controlFolder: String { folder + "/control" }
    var ownFolder: String { folder + "/own" }
    /// Where the worker's own model is written, once there is one.
    public var adapterFolder: String { folder + "/adapter" }
    /// Signing keys of other workers, of whatever run: a name means one worker wherever this one works.
    var identitiesFile: String { folder + "/identities" }
    func maskFolder(of run: RunID) -> String { "\(folder)/masks/\(run)" }
    var recordFolder: String { folder + "/records" }

    func modelFolder(_ identity: ContentHash) -> String { "\(folder)/models/\(identity)" }

    private func change(_ edit: (inout Record) -> Void) throws(WorkerStateError) {
        edit(&record)
        let path = folder + "/worker.json"
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let text = try? encoder.encode(record) else { preconditionFailure("a record of plain values") }
        do { try AtomicFile.write(Array(text), to: path, permissions: 0o600) } catch { throw .file(error) }
    }

    private static func read(_ folder: String) throws(WorkerStateError) -> Record {
        let path = folder + "/worker.json"
        let bytes: [UInt8]?
        do { bytes = try StateFolder.read(path, bytesMax: recordBytesMax) } catch { throw .file(error) }
        guard let bytes else { return Record() }
        guard let record = try? JSONDecoder().decode(Record.self, from: Data(bytes)), record.version == 1 else {
            throw .unreadable(path: path)
        }
        return record
    }
}

/// Why a worker's state folder cannot be used.
public enum WorkerStateError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(FileError)
    case inUse(folder: String)
    case unreadable(path: String)
    case readableByOthers(path: String)

    public var description: String {
        switch self {
        case .file(let error): error.description
        case .inUse(let folder):
            "another worker runs on the state folder \(folder); stop it, or give this one its own folder with --state"
        case .readableByOthers(let path):
            "\(path) holds a secret of this worker's noise or masks, and others may read it; run: chmod 600 '\(path)' (or remove "
                + "it, if they may have)"
        case .unreadable(let path):
            "\(path) is damaged or of another release; remove the state folder and enrol again with a new join file"
        }
    }
}
