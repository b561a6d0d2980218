import Coordinator
import Federation
import Foundation
import ModelFiles
import Randomness
import Recipe
import Simulation
import Wire
import Worker

/// A coordinator and its workers over a memory link, with tasks that need no model.
final class Conversation {
    let root: String
    let link: MemoryLink
    let keys: Ledger
    var settings: RunSettings
    let layout = AdapterLayout([
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", [2, 3]),
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", [4, 2]),
    ])
    private(set) var service: RunService?
    private(set) var workers: [String: Member] = [:]
    var evaluator: (any Evaluating)?
    /// Around what is trained; `nil`: that is an adapter by itself.
    var fixedFactors: FixedFactors?
    var stopwatch: (() -> Instant)?
    /// Of workers' updates.
    var chunkBytes = 16
    /// Applied to each worker's settings when it starts.
    var adjustWorker: (inout WorkerSettings) -> Void = { _ in }
    private(set) var events: [RunEvent] = []
    var firstAdapter: [Float] { (0..<layout.parameterCount).map { Float($0) / 8 } }

    struct Member {
        /// `nil` once killed: a dead process holds no lock on its folder.
        var service: WorkerService?
        let end: MemoryWorkerLink
        let runner: FakeRunner
    }

    init(
        rounds: Int, workersPerRound: Int, minimumConnected: Int, seed: UInt64 = 7, faults: LinkFaults = .none,
        deadlineSeconds: Double? = nil, minimumWorkers: Int = 1
    ) throws {
        root = NSTemporaryDirectory() + "shoal-conversation-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root + "/model", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: root + "/state", withIntermediateDirectories: true)
        try AtomicFile.write(Array("{\"model_type\":\"none\"}".utf8), to: root + "/model/config.json")
        try AtomicFile.write(Array("{}".utf8), to: root + "/model/tokenizer.json")
        let tensors = AdapterLayout([("weight", [300, 1_000])])
        try AtomicFile.write(
            AdapterObject.encode(layout: tensors, values: (0..<300_000).map { Float($0) }),
            to: root + "/model/model.safetensors")
        keys = try Ledger(path: StateDirectory.ledger(in: root + "/state"), wallClock: { 1_000 })
        settings = RunSettings(
            seed: seed, rounds: rounds, workersPerRound: workersPerRound, minimumWorkers: minimumWorkers,
            deadlineSeconds: deadlineSeconds, minimumConnected: minimumConnected,
            adapterOptions: AdapterOptions(rank: 2),
            training: TrainingOptions(), uplink: .dense, software: "test")
        link = MemoryLink(admission: keys, seed: seed, faults: faults)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func startCoordinator() throws {
        let state = try StateDirectory(path: root + "/state")
        let ledger = try Ledger(path: state.ledger, wallClock: { 1_000 })
        let store = try BlobStore(directory: state.path)
        let model = BaseModel(manifest: try ModelManifest(directory: root + "/model"), directory: root + "/model")
        let run = try RunRecord.open(
            ledger: ledger, store: store, newID: RunID(bits: 42), seed: settings.seed, configuration: "test",
            baseModel: model.identity, refusedChanges: { _ in ["everything"] }, layout: layout,
            firstAdapter: { firstAdapter })
        link.coordinator.resetCounters()
        let service = try RunService(
            settings: settings, run: run, baseModel: model,
            adapterConfiguration: AdapterConfiguration(
                rank: 2, alpha: 16, targetModules: .named(["q_proj"]), baseModel: "none"), layout: layout,
            fixedFactors: fixedFactors,
            resources: RunService.Resources(
                ledger: ledger, store: store, state: state, link: link.coordinator, loop: link.executor,
                evaluator: evaluator, stopwatch: stopwatch,
                observe: { [weak self] in self?.events.append($0) }))
        self.service = service
        link.attach(service)
    }

    /// As if by `kill -9`.
    func killCoordinator() {
        link.detachCoordinator()
        service = nil
    }

    static func key(_ name: String, _ kind: UInt8) -> PublicKey {
        PublicKey(bytes: Array(ContentHash(of: Array(name.utf8) + [kind]).bytes)).unsafelyUnwrapped
    }

    static func name(_ text: String) -> WorkerName { WorkerName(text).unsafelyUnwrapped }

    func allow(_ names: [String]) throws {
        for name in names {
            try keys.allow(
                name: Self.name(name), key: Self.key(name, 1), signingKey: try identity(name).publicKey)
        }
    }

    /// What the worker signs with, in its own folder.
    func identity(_ name: String) throws -> WorkerIdentity {
        try WorkerIdentity(folder: root + "/worker-" + name)
    }

    /// Starts a worker, for the first time or again on the same folder.
    @discardableResult
    func startWorker(
        _ name: String, runner: FakeRunner, model: String? = "model", hasInvitation: Bool = false,
        invitation: PublicKey? = nil, secondsPerStep: Double = 0,
        owner: (WorkerState) throws -> OwnerGuard? = { _ in nil }
    ) throws -> WorkerService {
        let end =
            workers[name]?.end
            ?? link.addWorker(keys: [.own: Self.key(name, 1), .invitation: invitation ?? Self.key(name, 2)])
        let path = model.map { $0 == "model" ? root + "/model" : $0 }
        var settings = WorkerSettings(
            software: "test", cores: 1, memoryBytes: 1 << 30, curveKey: Self.key(name, 1),
            signingKey: try identity(name).publicKey, hasInvitation: hasInvitation,
            model: try path.map { HeldModel(path: $0, identity: try ModelManifest(directory: $0).identity) })
        settings.identity = try identity(name)
        settings.chunkBytes = chunkBytes
        settings.metricsMinimumExamples = 0
        adjustWorker(&settings)
        let state = try WorkerState(folder: root + "/worker-" + name)
        let backoff = StreamKey(seed: 0, worker: name, purpose: .backoff).generator()
        let service = WorkerService(
            settings: settings, state: state, link: end, loop: link.executor,
            runner: VirtualPace(runner, on: link, secondsPerStep: secondsPerStep, items: Int(runner.items)),
            owner: try owner(state), backoff: backoff, observer: { _ in })
        workers[name] = Member(service: service, end: end, runner: runner)
        link.attach(service, to: end, keys: hasInvitation && !state.isEnrolled ? .invitation : .own)
        return service
    }

    func kill(_ name: String) {
        guard let member = workers[name] else { return }
        link.detach(member.end)
        workers[name]?.service = nil
    }

    var isOver: Bool { service?.isFinished ?? false }

    func runToEnd(limitSeconds: Double = 10_000) -> Bool { link.run(limitSeconds: limitSeconds) { isOver } }

    var published: [RoundSummary] {
        events.compactMap { if case .roundPublished(let summary) = $0 { summary } else { nil } }
    }

    /// Worker names of each round's accepted updates, as observed.
    var accepted: [Int: [String]] {
        events.reduce(into: [:]) { result, event in
            if case .updateAccepted(let round, let worker, _) = event { result[round, default: []].append(worker.text) }
        }
    }

    /// The closed form: the first adapter plus each round's weighted mean of what its workers add.
    func expectedAdapter() -> [Double] {
        var values = firstAdapter.map(Double.init)
        for round in accepted.keys.sorted() {
            let names = accepted[round] ?? []
            let total = names.reduce(0) { $0 + Double(workers[$1]?.runner.items ?? 0) }
            for name in names {
                guard let runner = workers[name]?.runner else { continue }
                for index in values.indices { values[index] += Double(runner.items) / total * runner.shift(index) }
            }
        }
        return values
    }

    func matchesClosedForm() -> Bool {
        guard let values = service?.currentAdapter.values else { return false }
        return zip(values, expectedAdapter()).allSatisfy { abs(Double($0) - $1) < 1e-4 }
    }
}

/// Adds a known vector to the global adapter instead of training.
final class FakeRunner: TaskRunning {
    let items: UInt64
    let slope: Double
    /// What training gives, where it is not a known shift.
    var training: ((LocalTask) -> (values: [Float], local: [Float]?))?
    /// What each training says it took.
    var cost: TaskCost?
    /// Why it carries out no task; `nil`: it does.
    var refusal: TaskReason?
    /// Holds finished tasks back until ``release()``.
    var isHeld = false
    private(set) var started: [LocalTask] = []
    private(set) var cancelled: [UInt64] = []
    private var held: [() -> Void] = []
    var isHolding: Bool { !held.isEmpty }

    init(items: UInt64, slope: Double) {
        self.items = items
        self.slope = slope
    }

    func shift(_ index: Int) -> Double { slope * Double(index + 1) / 16 }

    func start(_ task: LocalTask, report: @escaping @Sendable (TaskEvent) -> Void) {
        started.append(task)
        if let refusal { return report(.failed(reason: refusal)) }
        report(.progress(step: 1, totalSteps: 2, loss: 3, items: Int(items)))
        let result: TaskEvent =
            switch task.kind {
            case .train: trained(task)
            // Each of `items` items has the loss `slope`.
            case .evaluate:
                .evaluated(
                    items: Int(items), lossSum: slope * Double(items), squaredLossSum: slope * slope * Double(items))
            }
        if isHeld { held.append { report(result) } } else { report(result) }
    }

    private func trained(_ task: LocalTask) -> TaskEvent {
        let (values, local) =
            training?(task) ?? (task.values.indices.map { task.values[$0] + Float(shift($0)) }, nil)
        return .trained(
            values: values, trainingItems: Int(items), steps: 2, tokens: 100, meanLoss: slope, local: local,
            cost: cost)
    }

    func cancel(lease: UInt64) { cancelled.append(lease) }

    func release() {
        isHeld = false
        for report in held { report() }
        held = []
    }
}
