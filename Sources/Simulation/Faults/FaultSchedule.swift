internal import Coordinator
internal import Federation
internal import Glibc
internal import ModelFiles
internal import Randomness
internal import SecureAggregation
internal import Wire
internal import Worker

/// One seeded schedule: a real coordinator and real workers, each on a machine with a simulated disk, over a simulated
/// link and a virtual clock. Things go wrong for a while; then nothing does any more, and the run must come to its end.
///
/// What must hold is in `FaultInvariants.swift`.
final class FaultSchedule {
    /// What must hold did not.
    struct Violation: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    /// A machine with one process of Shoal's on it.
    final class Machine {
        let disk: SimulatedDisk
        let name: String
        var crashesLeft: Int
        /// Counts processes.
        var process = 0
        var isRunning = false

        init(name: String, disk: SimulatedDisk, crashesLeft: Int) {
            self.name = name
            self.disk = disk
            self.crashesLeft = crashesLeft
        }
    }

    /// Virtual time that a run may take once nothing goes wrong any more.
    static let patienceSeconds = 900.0
    static let layout = AdapterLayout([
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", [2, 3]),
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", [4, 2]),
    ])
    static let firstAdapter: [Float] = (0..<layout.parameterCount).map { Float($0) / 8 }
    static let run = RunID(bits: 42)
    /// One of four workers may drop out; what ``KnownTrainer`` gives lies within the clip.
    static let masking = MaskingOptions(
        clip: 1, levels: 4_000, weightLimit: FaultTemplate.workersMax, minimumCohort: 3,
        assumptions: MaskingAssumptions(corruptFraction: 0, dropoutFraction: 0.25), stepSeconds: 8)

    let plan: FaultPlan
    let link: MemoryLink
    let codec: any UpdateCodec
    let machines: [Machine]
    var random: CounterRandom
    var isCalm = false
    var violation: Violation?
    var observed = ObservedRun()
    /// Told what happens, line by line.
    var trace: ((String) -> Void)?
    private(set) var crashes = 0

    // The coordinator's process
    var service: RunService?
    var ledger: Ledger?
    var store: BlobStore?

    // The workers' processes
    let ends: [MemoryWorkerLink]
    var workers: [WorkerService?]

    init(_ plan: FaultPlan, mount: String) throws {
        self.plan = plan
        codec = try Codecs.make(plan.codec)
        random = StreamKey(seed: plan.seed, worker: "course", purpose: .faults).generator()
        let names = (0..<plan.workers).map(Self.name)
        let admission = PresentLedger()
        link = MemoryLink(admission: admission, seed: plan.seed, faults: plan.link)
        machines = (0...plan.workers).map { index in
            let name = index == 0 ? "coordinator" : names[index - 1].text
            let disk = SimulatedDisk(mount: "\(mount)-\(name)", name: name, seed: plan.seed)
            return Machine(name: name, disk: disk, crashesLeft: plan.crashes[index])
        }
        ends = names.map { [link] name in
            link.addWorker(keys: [.own: Self.connectionKey(name), .invitation: Self.invitationKey(name)])
        }
        workers = Array(repeating: nil, count: plan.workers)
        admission.schedule = self
    }

    static func name(_ worker: Int) -> WorkerName {
        guard let name = WorkerName("w\(worker)") else { preconditionFailure("a worker's name") }
        return name
    }

    static func connectionKey(_ name: WorkerName) -> PublicKey { key("connect \(name)") }

    static func invitationKey(_ name: WorkerName) -> PublicKey { key("invite \(name)") }

    private static func key(_ text: String) -> PublicKey {
        guard let key = PublicKey(bytes: ContentHash(of: Array(text.utf8)).bytes) else {
            preconditionFailure("a key has 32 bytes")
        }
        return key
    }

    /// Runs to the end, or to the first violation.
    func runToEnd() {
        for machine in machines { DiskTable.mount(machine.disk, as: machine.disk.mount) }
        defer {
            // The link holds services, and their trainers and evaluators the link.
            for index in workers.indices {
                link.detach(ends[index])
                workers[index] = nil
            }
            link.detachCoordinator()
            (service, ledger, store) = (nil, nil, nil)
            for machine in machines { DiskTable.unmount(machine.disk.mount) }
        }
        do {
            for (index, machine) in machines.enumerated() {
                machine.disk.copy(try FaultTemplate.disk(index, isBlank: plan.startsBlank))
            }
            scheduleTroubles()
            startCoordinator()
            for worker in workers.indices { startWorker(worker) }
            let ended = link.run(limitSeconds: plan.calmSeconds + Self.patienceSeconds) {
                lookAfterMachines()
                return violation != nil || isOver
            }
            if let violation { throw violation }
            guard ended else { throw Violation("no progress: \(standing)") }
            try checkEnd()
        } catch let error as Violation {
            violation = error
        } catch {
            violation = Violation("unexpected: \(error)")
        }
    }

    private var isOver: Bool {
        guard let service, machines[0].isRunning else { return false }
        if case .finished = service.outcome { return true }
        return isCalm && isBudgetSpent
    }

    private var standing: String {
        let workers = workers.enumerated().map {
            "\($0): \($1.map { "\($0.outcome.map { "\($0)" } ?? "runs")" } ?? "down")"
        }
        return "round \(service?.currentAdapter.version ?? -1) of \(plan.rounds), coordinator "
            + "\(service.map { "\($0.outcome)" } ?? "down"), workers \(workers.joined(separator: ", ")), last said: "
            + observed.lastWait
    }

    private func scheduleTroubles() {
        for trouble in plan.troubles {
            link.schedule(afterSeconds: trouble.from) { [unowned self] in
                link.faultsOfWorker[Self.name(trouble.worker)] = trouble.faults
            }
            link.schedule(afterSeconds: trouble.until) { [unowned self] in
                link.faultsOfWorker[Self.name(trouble.worker)] = nil
            }
        }
        for crash in plan.timedCrashes {
            link.schedule(afterSeconds: crash.at) { [unowned self] in
                for machine in crash.machine.map({ [machines[$0]] }) ?? machines where machine.isRunning {
                    machine.disk.crash(crash.kind)
                }
            }
        }
        link.schedule(afterSeconds: plan.calmSeconds) { [unowned self] in
            isCalm = true
            link.faults = .none
            link.faultsOfWorker = [:]
            for machine in machines { machine.disk.faults = quietFaults }
        }
    }

    private var quietFaults: DiskFaults {
        var faults = DiskFaults()
        faults.plantedBugs = plan.plantedBugs
        return faults
    }

    /// What is wrong with a machine's disk until its next start.
    private func drawFaults(_ machine: Machine) -> DiskFaults {
        var faults = quietFaults
        guard !isCalm else { return faults }
        faults.failure = plan.diskFailure
        faults.shortWrite = plan.shortWrite
        if machine.crashesLeft > 0 {
            machine.crashesLeft -= 1
            // As often early as late: the logarithm is uniform.
            let most = machine === machines[0] ? 1_500.0 : 100
            faults.crashCountdown = Int(pow(most, random.uniformDouble()))
            faults.crash = random.uniformDouble() < 0.3 ? .kill : .powerCut
        }
        return faults
    }

    /// Begins a process; it ends with ``bury(_:)``.
    func boot(_ machine: Machine) -> () -> Bool {
        machine.disk.restart()
        machine.disk.faults = drawFaults(machine)
        machine.process += 1
        machine.isRunning = true
        let process = machine.process
        note(
            "\(machine.name) starts, crash after \(machine.disk.faults.crashCountdown.map(String.init) ?? "no") writes")
        return { machine.isRunning && machine.process == process && !machine.disk.isDown }
    }

    func bury(_ machine: Machine, _ restart: @escaping () -> Void) {
        machine.isRunning = false
        crashes += 1
        note("\(machine.name) ends; \(machine.disk.isDown ? "its machine is down" : "its process gave up")")
        link.schedule(afterSeconds: 0.1 + 6 * random.uniformDouble(), restart)
    }

    func note(_ text: @autoclosure () -> String) {
        guard let trace else { return }
        trace("\(Double(link.now.nanoseconds / 1_000_000) / 1_000) s: \(text())")
    }
}
