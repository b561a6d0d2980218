import Benchmarking
import Coordinator
import Federation
import Foundation
import Glibc
import Logging
import ModelFiles
import Recipe
import Simulation
import Transport
import Wire
import Worker

/// A real coordinator in this process and real workers in others, which send an update as soon as they hold the adapter.
///
/// Everything is as in a run (enrolment, encryption, chunks, hashes, updates on disk before they are acknowledged,
/// aggregation, publication) but for the training.
struct FleetBenchmark {
    let workers: Int
    let processes: Int
    let parameters: Int
    let codec: CodecName
    let rounds: Int
    let log: LogOptions

    /// What `shoal bench fleet --json` prints.
    struct Result: Encodable {
        var workers: Int
        var processes: Int
        var parameters: Int
        var codec: String
        var rounds: Int
        var updatesPerSecond: Double
        /// Frames before encryption, envelopes included. Unit: 10⁶ bytes a second.
        var uplinkMBPerSecond: Double
        var downlinkMBPerSecond: Double
        /// First offer to publication.
        var roundMillisecondsP50: Double
        var roundMillisecondsP99: Double
        /// The most memory this process held.
        var coordinatorRssMiB: Double
        /// What it held after a tenth of the rounds, and after the last.
        var coordinatorRssEarlyMiB: Double
        var coordinatorRssLateMiB: Double
        /// The most memory that one of the worker processes held.
        var workerRssMiB: Double
        /// From the first process started to the last worker connected.
        var connectSeconds: Double
        /// While rounds ran, from opening a connection to the answer to its `Hello`; `nil` where the run was too short.
        var joinMillisecondsMax: Double?
        var joins: Int
        /// This disk's sequential write with one sync at its end, measured just before.
        var diskMBPerSecond: Double
        /// Raw CURVE's one-way rate over loopback, measured just before.
        var curveMBPerSecond: Double
        /// `uplinkMBPerSecond` over the smaller of the disk's rate and half of raw CURVE's.
        var shareOfLimit: Double
    }

    func run(state path: String?) async throws -> Result {
        let folder = try path ?? TemporaryFolder.create(prefix: "shoal-fleet-")
        defer { if path == nil { try? FileManager.default.removeItem(atPath: folder) } }
        let disk = try Self.diskRate(in: folder)
        let curve = try CurveRate.measure(seconds: 1)
        PeakMemory.reset()
        let model = try WorkerAssembly.heldModel(BuiltInModel.name)
        let state = try usingInput { try CoordinatorState(path: folder) }
        guard try state.ledger.run() == nil else {
            throw CommandFailure.badInput("\(folder) holds a run already; name an empty folder with --state")
        }
        let keys = try CoordinatorKeys.readOrCreate(in: folder)
        let transport = try CoordinatorTransport(
            bindingTo: "tcp://127.0.0.1:0", security: .curve(keys), admission: state.ledger,
            logger: log.logger("shoal.coordinator"))
        let probe = try probe(transport.boundEndpoint, state.ledger, keys)
        var times = RoundTimes(rounds: rounds)
        let service = try service(model.path, state, transport) { event in
            times.note(event, at: MonotonicClock.now())
            if case .roundStarted = event { probe.start() }
        }
        let workersFolder = try workersFolder(besides: folder)
        defer { try? FileManager.default.removeItem(atPath: workersFolder) }
        let members = try members(in: workersFolder, endpoint: transport.boundEndpoint, state.ledger, keys)
        let start = MonotonicClock.now()
        try await lead(service, transport, members)
        probe.stop()
        guard let first = times.firstOffer, let last = times.lastPublication, let connected = times.lastConnection
        else {
            throw CommandFailure.failed("no round was published")
        }
        let seconds = last.seconds(since: first)
        let uplink = Double(times.uplinkBytes) / seconds / 1e6
        let sorted = times.rounds.sorted()
        return Result(
            workers: workers, processes: processes, parameters: parameters, codec: "\(codec)", rounds: rounds,
            updatesPerSecond: Double(times.updates) / seconds, uplinkMBPerSecond: uplink,
            downlinkMBPerSecond: Double(times.downlinkBytes) / seconds / 1e6,
            roundMillisecondsP50: 1e3 * sorted[(sorted.count - 1) / 2],
            roundMillisecondsP99: 1e3 * sorted[(sorted.count * 99 + 99) / 100 - 1],
            coordinatorRssMiB: try PeakMemory.residentMiB(), coordinatorRssEarlyMiB: times.earlyMiB,
            coordinatorRssLateMiB: times.lateMiB,
            workerRssMiB: try members.map { try FleetBenchmarkWorkers.peakMiB(log: $0.logPath) }.max() ?? 0,
            connectSeconds: connected.seconds(since: start), joinMillisecondsMax: probe.answers.max().map { 1e3 * $0 },
            joins: probe.answers.count, diskMBPerSecond: disk / 1e6,
            curveMBPerSecond: curve / 1e6, shareOfLimit: uplink * 1e6 / min(disk, curve / 2))
    }

    private func service(
        _ model: String, _ state: CoordinatorState, _ transport: CoordinatorTransport,
        observe: @escaping (RunEvent) -> Void
    ) throws -> RunService {
        let rank = [8, 4, 2].first { parameters.isMultiple(of: $0) && parameters / $0 >= 2 } ?? 1
        let width = parameters / rank
        let layer = "base_model.model.layer"
        let layout = AdapterLayout([
            (name: layer + ".lora_A.weight", shape: [rank, width / 2]),
            (name: layer + ".lora_B.weight", shape: [width - width / 2, rank]),
        ])
        let base = Coordinator.BaseModel(manifest: try ModelManifest(directory: model), directory: model)
        let run = try RunRecord.open(
            ledger: state.ledger, store: state.store, newID: RunID(bits: .random(in: .min ... .max)), seed: 0,
            configuration: "{}", baseModel: base.identity, refusedChanges: { _ in [] }, layout: layout,
            firstAdapter: { [Float](repeating: 0, count: parameters) })
        var settings = RunSettings(
            seed: 0, rounds: rounds, workersPerRound: workers, minimumWorkers: workers, deadlineSeconds: nil,
            minimumConnected: workers, adapterOptions: AdapterOptions(rank: rank),
            training: TrainingOptions(localSteps: 1), uplink: codec, software: shoalVersion)
        settings.isFleetComplete = true
        return try RunService(
            settings: settings, run: run, baseModel: base,
            adapterConfiguration: AdapterConfiguration(rank: rank, alpha: 16, targetModules: .named(["layer"])),
            layout: layout,
            resources: RunService.Resources(
                ledger: state.ledger, store: state.store, state: state.directory, link: transport, loop: transport,
                evaluator: nil, observe: observe))
    }

    /// A worker that the run can do without.
    private func probe(_ endpoint: String, _ ledger: Ledger, _ keys: CurveKeyPair) throws -> JoinProbe {
        guard let name = WorkerName("probe") else { throw CommandFailure.failed("no worker name") }
        let own = try CurveKeyPair.generate()
        try ledger.allow(name: name, key: own.publicKey)
        return try JoinProbe(endpoint: endpoint, coordinatorKey: keys.publicKey, keys: own)
    }

    /// Where the workers keep their state: in memory where there is room, for each would have a disk of its own, and the
    /// one that is measured is the coordinator's.
    private func workersFolder(besides folder: String) throws -> String {
        let memory = "/dev/shm"
        let needed = workers * ((64 << 10) + 8 * parameters)
        var status = statvfs()
        if statvfs(memory, &status) == 0, status.f_bavail * UInt(status.f_frsize) > UInt(needed) {
            if let path = try? TemporaryFolder.create(prefix: "shoal-fleet-", in: memory) { return path }
        }
        return folder + "/workers"
    }

    /// Invites everybody and deals the workers out over the processes.
    private func members(
        in folder: String, endpoint: String, _ ledger: Ledger, _ keys: CurveKeyPair
    ) throws -> [Fleet.Member] {
        let names = try (1...workers).map { number in
            guard let name = WorkerName("worker-\(number)") else { throw CommandFailure.failed("no worker name") }
            let path = "\(folder)/\(name)"
            try PrivateAccess.makeFolder(path)
            try Invitation.write(
                worker: name, endpoint: endpoint, expiresIn: 24 * 3600, ledger: ledger, coordinator: keys,
                to: FleetBenchmarkWorkers.join(path))
            return (name, path)
        }
        return (0..<processes).map { process in
            let mine = stride(from: process, to: workers, by: processes).map { names[$0] }
            return Fleet.Member(
                name: mine[0].0,
                arguments: ["bench", "fleet-workers", "--log-level", "warning"]
                    + mine.flatMap { ["--folder", $0.1] },
                logPath: mine[0].1 + "/log")
        }
    }

    /// Runs the coordinator's loop and the fleet until the run ends.
    private func lead(_ service: RunService, _ transport: CoordinatorTransport, _ members: [Fleet.Member]) async throws
    {
        let leading = Handover(service)
        let fleet = Fleet(program: ProgramPath.own)
        let running = Task {
            await fleet.run(members) { worker, ending in
                guard ending != .exited(code: 0) else { return }
                let log = members.first { $0.name == worker }?.logPath ?? ""
                transport.post {
                    leading.value.fail(CommandFailure.failed("the process of \(worker) ended (\(ending)); see \(log)"))
                }
            }
        }
        let signals = StopSignals { transport.post { leading.value.requestStop() } }
        await transport.runOnOwnThread(leading)
        withExtendedLifetime(signals) {}
        if case .finished = service.outcome {} else { running.cancel() }
        await running.value
        try service.outcome.requireFinished()
    }

    /// Bytes a second that this disk takes in one file with one sync at its end.
    private static func diskRate(in folder: String) throws -> Double {
        try PrivateAccess.makeFolder(folder)
        let path = folder + "/disk-rate"
        let block = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) }
        guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
        else { throw CommandFailure.badInput("cannot write into \(folder)") }
        defer { try? FileManager.default.removeItem(atPath: path) }
        let blocks = 256
        let start = MonotonicClock.now()
        for _ in 0..<blocks { try file.write(contentsOf: block) }
        try file.synchronize()
        try file.close()
        return Double(blocks * block.count) / MonotonicClock.now().seconds(since: start)
    }
}

/// When rounds began and ended, by this machine's clock.
private struct RoundTimes {
    var firstOffer: Instant?
    var lastPublication: Instant?
    var lastConnection: Instant?
    /// Unit: seconds.
    var rounds: [Double] = []
    var updates = 0
    var uplinkBytes: UInt64 = 0
    var downlinkBytes: UInt64 = 0
    private(set) var earlyMiB = 0.0
    private(set) var lateMiB = 0.0
    /// Of the whole run.
    private let roundCount: Int
    private var offered = Instant(nanoseconds: 0)

    init(rounds: Int) {
        roundCount = rounds
    }

    mutating func note(_ event: RunEvent, at now: Instant) {
        switch event {
        case .workerConnected: if firstOffer == nil { lastConnection = now }
        case .roundStarted:
            if firstOffer == nil { firstOffer = now }
            offered = now
        case .roundPublished(let summary):
            rounds.append(now.seconds(since: offered))
            lastPublication = now
            updates += summary.workers ?? 0
            uplinkBytes = summary.uplinkBytes
            downlinkBytes = summary.downlinkBytes
            if rounds.count == (roundCount + 9) / 10 { earlyMiB = (try? PeakMemory.currentMiB()) ?? 0 }
            if rounds.count == roundCount { lateMiB = (try? PeakMemory.currentMiB()) ?? 0 }
        default: break
        }
    }
}
