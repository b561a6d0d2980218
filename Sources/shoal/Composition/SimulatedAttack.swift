import Federation
import FineTuning
import LanguageModel
import Recipe
import RunFile
import Simulation
import Worker

/// An attack on a simulation: who is bad, and what they do in place of what they are asked.
struct SimulatedAttack {
    let plan: AttackPlan
    let bad: BadWorkers
    private let labels: [String]
    private let conspiracy: Conspiracy
    /// `nil` for attacks that plant none, and where no held-out text is long enough.
    private let probe: BackdoorProbe?

    /// How many times as long a bad worker takes, so that it sees what honest ones send.
    static let delay = 1.5

    init(_ text: String, _ prepared: PreparedRun, workers: [WorkerName]) throws {
        let configuration = prepared.configuration
        labels = configuration.task == .classification ? configuration.data.labels : []
        plan = try AttackPlan(text, labels: labels)
        bad = BadWorkers(workers, share: plan.share, seed: configuration.federation.seed)
        conspiracy = Conspiracy(plan, workersPerRound: configuration.federation.workersPerRound)
        if case .backdoor(let backdoor) = plan.attack {
            probe = try BackdoorProbe(
                backdoor, rows: prepared.rows.filter { $0.split == .test }, model: prepared.model,
                length: configuration.training.sequenceLength)
        } else {
            probe = nil
        }
    }

    /// Bad workers in the order of their names.
    var badNames: [WorkerName] { bad.names.sorted() }

    /// What a worker trains on.
    func rows(of worker: SimulatedWorkers.Worker) -> [DataRow] {
        guard bad.names.contains(worker.name) else { return worker.rows }
        switch plan.attack {
        case .labelFlip: return PoisonedText.flipped(worker.rows, labels: labels)
        case .backdoor(let backdoor): return PoisonedText.withBackdoor(backdoor, worker.rows)
        case .signFlip, .innerProduct, .littleIsEnough, .freeRider, .sybil: return worker.rows
        }
    }

    func runner(_ runner: any TaskRunning, of worker: WorkerName) -> any TaskRunning {
        AttackingRunner(runner, isBad: bad.names.contains(worker), conspiracy: conspiracy)
    }

    /// How many times as long a worker takes for a step.
    func factor(of worker: WorkerName) -> Double { bad.names.contains(worker) ? Self.delay : 1 }

    /// Lines above the run, for people.
    var header: [String] {
        var lines = [
            "ATTACKED      \(plan): \(bad.names.count) of this simulation's workers are made bad, and \(plan.summary)",
            "              bad: " + badNames.map(\.text).joined(separator: ", "),
        ]
        if plan.attack.isOmniscient {
            lines.append(
                "              they are shown the honest updates of each round that are finished before theirs")
        }
        return lines
    }

    /// What the attack came to.
    ///
    /// - Parameter final: The run's adapter; `nil` where none is whole.
    func report(_ final: LowRankAdapter?) throws -> AttackReport {
        var report = AttackReport(name: plan.description, share: plan.share, workers: badNames.map(\.text))
        if let probe, let final {
            report.backdoor = (base: try probe.measure(nil), final: try probe.measure(final))
        }
        return report
    }
}
