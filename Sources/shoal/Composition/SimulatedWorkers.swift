import Coordinator
import Federation
import FineTuning
import FoundationEssentials
import ModelFiles
import Randomness
import Recipe
import RunFile
import Simulation
import Transport

/// The workers of a simulation: each with its own folder, private file and join file, as on machines of their own.
struct SimulatedWorkers {
    struct Worker {
        let name: WorkerName
        let rows: [DataRow]
        /// Blocks or examples to train on in ``rows``.
        let trainingItems: Int
    }

    /// In the order of the partition.
    let workers: [Worker]
    let slow: SlowWorkers
    /// Those that train with `training.command`.
    let commanded: Set<WorkerName>
    private let trainer: [String]

    /// Divides the run's text between its workers.
    init(_ prepared: PreparedRun) throws {
        let configuration = prepared.configuration
        guard !prepared.rows.isEmpty else {
            throw CommandFailure.badInput("a simulation needs text to divide between its workers; set data.path")
        }
        let shares = try configuration.data.partition.partition.shares(
            of: prepared.rows, workers: configuration.federation.workers, seed: configuration.federation.seed)
        workers = try shares.map { share in
            guard let name = WorkerName(share.worker) else {
                throw CommandFailure.badInput(
                    "the data names a worker '\(share.worker)'; a name has 1 to 64 letters, digits, '.', '_', '-' and "
                        + "spaces inside")
            }
            let train = try prepared.items(of: share.rows.filter { $0.split == .train }).train
            guard train.count > 0 else {
                let length = configuration.training.sequenceLength
                throw CommandFailure.badInput(
                    configuration.task == .classification
                        ? "worker '\(name)' has no example to train on; lower federation.workers"
                        : "worker '\(name)' has less than one block of \(length) tokens to train on; "
                            + "lower training.sequence-length or federation.workers")
            }
            return Worker(name: name, rows: share.rows, trainingItems: train.count)
        }
        slow = SlowWorkers(
            workers.map(\.name), share: configuration.simulation.slowShare,
            factor: configuration.simulation.slowFactor, seed: configuration.federation.seed)
        trainer =
            configuration.trainerCommand.isEmpty
            ? []
            : ["--trainer-time-limit", "\(configuration.trainerTimeLimit.components.seconds)s", "--trainer"]
                + configuration.trainerCommand
        commanded = Self.commanded(workers.map(\.name), configuration)
    }

    private static func commanded(_ names: [WorkerName], _ configuration: RunConfiguration) -> Set<WorkerName> {
        guard !configuration.trainerCommand.isEmpty else { return [] }
        guard let share = configuration.simulation.commandShare else { return Set(names) }
        let key = StreamKey(seed: configuration.federation.seed, worker: "command", purpose: .faults)
        return Set(Selection.uniform(Int((share * Double(names.count)).rounded()), from: names, key: key))
    }

    var names: [WorkerName] { workers.map(\.name) }

    /// Writes each worker's private file and a join file for this endpoint; a worker that enrolled earlier keeps its
    /// keys.
    func writeFolders(
        _ folders: WorkerFolders, endpoint: String, ledger: Ledger, coordinator: CurveKeyPair
    ) throws {
        var enrolled: Set<WorkerName> = []
        for record in try ledger.list() {
            if case .enrolled = record.state { enrolled.insert(record.name) }
        }
        for worker in workers {
            try PrivateAccess.makeFolder(folders.path(worker.name))
            try DataFile.write(worker.rows, to: folders.data(worker.name))
            let path = folders.join(worker.name)
            if enrolled.contains(worker.name), !FileManager.default.fileExists(atPath: path) {
                // It took part in this process's memory, with the same keys and without a file.
                try Invitation.writeForEnrolled(
                    worker: worker.name, endpoint: endpoint, ledger: ledger, coordinator: coordinator, next: nil,
                    to: path)
            } else if enrolled.contains(worker.name) {
                var join = try JoinFile(reading: path)
                join.endpoint = endpoint
                try join.write(to: path)
            } else {
                try Invitation.write(
                    worker: worker.name, endpoint: endpoint, expiresIn: Self.invitationSeconds, ledger: ledger,
                    coordinator: coordinator, to: path)
            }
        }
    }

    /// A simulation's workers enrol at once.
    private static let invitationSeconds: Int64 = 24 * 3600

    /// What a fleet of processes runs.
    func members(_ folders: WorkerFolders, model: String, threads: Int, logLevel: String) -> [Fleet.Member] {
        workers.map { worker in
            let factor = slow.factor(of: worker.name)
            return Fleet.Member(
                name: worker.name,
                arguments: [
                    "worker", "--join", folders.join(worker.name), "--data", folders.data(worker.name), "--model",
                    model,
                    "--state", folders.state(worker.name), "--threads", String(threads), "--log-level", logLevel,
                    "--metrics-minimum-examples", "0", "--exit-with-parent",
                ] + (factor > 1 ? ["--slowdown", String(factor)] : [])
                    + (commanded.contains(worker.name) ? trainer : []), logPath: folders.log(worker.name))
        }
    }
}

/// Where a simulation keeps what would lie on each worker's machine.
struct WorkerFolders {
    /// The simulation's state directory.
    let state: String

    func path(_ name: WorkerName) -> String { "\(state)/workers/\(name)" }
    func state(_ name: WorkerName) -> String { path(name) + "/state" }
    func data(_ name: WorkerName) -> String { path(name) + "/data.jsonl" }
    func join(_ name: WorkerName) -> String { path(name) + "/join" }
    func log(_ name: WorkerName) -> String { path(name) + "/worker.log" }
    var allLogs: String { "\(state)/workers/*/worker.log" }
}
