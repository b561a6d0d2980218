import ArgumentParser
import Benchmarking
import Federation
import FineTuning
import Foundation
import LanguageModel
import Logging
import ModelFiles
import RunFile
import Tensor
import Transport
import Wire
import Worker

struct Work: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Run a worker: train on this machine's own text for a coordinator.",
        discussion: """
            The workers of a machine train in turn, as many at once as its cores and memory allow: each takes its threads \
            (--threads) and what its training needs. --training-slots or SHOAL_TRAINING_SLOTS sets another number. They \
            meet in /run/shoal where that may be written, else in a folder of the user's own; SHOAL_SLOTS_FOLDER names \
            another one.
            """)

    @Option(help: "The join file that the coordinator's operator made for this worker.")
    var join: String

    @Option(help: "This worker's private text: .jsonl, .csv or .txt.")
    var data: String

    @Option(help: "The base model's directory, or built-in (default: download it from the coordinator).")
    var model: String?

    @Option(help: "What this worker's owner lets it do: a policy file (shoal config policy).")
    var policy: String?

    @Option(help: "The worker's name, to make sure that the join file is the right one.")
    var name: String?

    @Option(help: "Folder of the worker's keys and state; made if missing (default: NAME.shoal-state).")
    var state: String?

    @Option(help: "Threads to train with (default: all cores).")
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "How many tasks train at once on this machine: auto (as its cores and memory allow), a number, or off (do "
                + "not wait for others); default: SHOAL_TRAINING_SLOTS, else auto.", valueName: "auto|off|N"))
    var trainingSlots: SlotChoice?

    @Option(help: "Send masked updates alone, and only into sums of at least so many workers' updates.")
    var minimumCohort: Int?

    @Option(
        help: """
            With fewer blocks or examples behind them, tell no losses, counts or times (default: 10, or what --policy states).
            """)
    var metricsMinimumExamples: Int?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "A program, and its arguments, that trains in place of the native trainer; its arguments begin with no dash: put "
                + "such into a script.", valueName: "program"))
    var trainer: [String] = []

    @Option(help: "End that program when a task takes it longer than this.")
    var trainerTimeLimit = "1h"

    @Option(
        help: "Power of a busy core where this machine counts no energy, for the estimate that is told (default: 6).")
    var wattsPerCore: Double?

    @Flag(help: "Once the run has ended, stay and wait for the coordinator's next one until told to stop.")
    var stay = false

    @Flag(help: "No encryption: only with a coordinator started with --insecure, on one machine.")
    var insecure = false

    @Flag(help: .hidden)
    var exitWithParent = false

    @Option(help: .hidden)
    var slowdown: Double?

    @OptionGroup var log: LogOptions

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024") }
        if let minimumCohort, !(2...1_000_000).contains(minimumCohort) {
            throw ValidationError("--minimum-cohort must be from 2 to 1000000")
        }
        if let metricsMinimumExamples, !(0...1_000_000_000).contains(metricsMinimumExamples) {
            throw ValidationError("--metrics-minimum-examples must be from 0 to 1000000000")
        }
        guard policy == nil || metricsMinimumExamples == nil else {
            throw ValidationError(
                "--metrics-minimum-examples goes without --policy: write metrics.minimum-examples into the policy file")
        }
        guard (Lifetime.seconds(trainerTimeLimit) ?? 0) > 0 else {
            throw ValidationError(
                "--trainer-time-limit \(trainerTimeLimit): write a number with s, m, h or d, such as 1h")
        }
        if let wattsPerCore, !(0...1_000).contains(wattsPerCore) {
            throw ValidationError("--watts-per-core must be from 0 to 1000")
        }
        if let slowdown, !(1...10_000).contains(slowdown) {
            throw ValidationError("--slowdown must be from 1 to 10000")
        }
    }

    func run() throws {
        ProcessMemory.keepLittle()
        let logger = log.logger("shoal.worker")
        let (transport, service) = try usingInput {
            let join = try JoinFile(reading: join)
            if let name, name != join.worker.text {
                throw CommandFailure.badInput(
                    "the join file is for worker '\(join.worker)', not for '\(name)'; ask for an invitation of that name"
                )
            }
            let policy = try ownerPolicy()
            if let refusal = policy?.refusal(ofCoordinator: insecure ? nil : join.coordinatorKey.z85) {
                throw CommandFailure.badInput("\(refusal)")
            }
            let source = try DataSource.checkedFile(data)
            let state = state ?? "\(join.worker).shoal-state"
            let cores = threads ?? ProcessInfo.processInfo.activeProcessorCount
            let gigaflops = ProductSpeed.ofOneCore() * Float(cores) / Float(slowdown ?? 1)
            Threads.limit(to: cores)
            let training = LocalTraining(
                data: source, notice: { logger.info("text", metadata: ["notice": "\($0)"]) },
                cache: CacheFolder.weights { logger.warning("\($0)") },
                slowdown: slowdown.map {
                    Slowdown(factor: $0, now: { MonotonicClock.now() }, sleep: { Thread.sleep(forTimeInterval: $0) })
                },
                idle: LocalTraining.Idleness(slots: try slots(logger), giveBack: { ProcessMemory.giveBack() }),
                trainer: trainerCommand(in: state), wattsPerCore: wattsPerCore,
                compute: ComputeThread().post)
            let held = try model.map(WorkerAssembly.heldModel)
            try refuseQuantised(held)
            return try WorkerAssembly(
                join: join, state: state, insecure: insecure, model: held, runner: training, policy: policy,
                afterTask: { ProcessMemory.giveBack() }, metricsMinimumExamples: metricsMinimumExamples,
                staysAfterEnd: stay, gigaflops: gigaflops
            ).service(logger: logger)
        }
        ProcessMemory.giveBack()
        let stopping = Handover(service)
        let stop = { @Sendable in transport.post { stopping.value.requestStop() } }
        let signals = StopSignals(stop)
        let parent = exitWithParent ? ParentWatch(stop) : nil
        do { try transport.run(service: service) } catch { throw CommandFailure.failed("\(error)") }
        withExtendedLifetime((signals, parent)) {}
        switch service.outcome {
        case .finished: break
        case .stopped, nil: throw CommandFailure.interrupted()
        case .failed(let reason): throw CommandFailure.badInput(reason)
        }
    }

    /// The policy file's, with what options add; `nil` without any of them.
    private func ownerPolicy() throws -> OwnerPolicy? {
        let stated = try policy.map { path throws in try OwnerPolicy.load(path: path) }
        guard stated?.allowsTrainer != false || trainer.isEmpty else {
            throw CommandFailure.badInput(
                "--trainer: the policy lets no other program train; write allow.trainer: true into it, or leave --trainer out"
            )
        }
        guard let minimumCohort else { return stated }
        var policy = stated ?? OwnerPolicy()
        policy.required.insert(.masks)
        policy.minimumCohort = max(minimumCohort, policy.minimumCohort ?? 0)
        policy.metrics = []
        return policy
    }

    /// A base that comes from the coordinator is looked at when it is there: then its tasks are declined.
    private func refuseQuantised(_ held: HeldModel?) throws {
        guard !trainer.isEmpty, let held,
            let format = try ModelConfiguration(path: held.path + "/config.json").quantisation
        else { return }
        throw CommandFailure.badInput(
            "--trainer: another program cannot read the base model \(held.path), which is quantised (\(format)); train "
                + "natively, or take part in a run on the model that it was made from")
    }

    /// What trains in place of the native trainer; `nil`: nothing does.
    private func trainerCommand(in state: String) -> TrainerCommand? {
        guard !trainer.isEmpty else { return nil }
        var words = trainer
        // It runs in a folder of its own.
        if words[0].contains("/") { words[0] = AbsolutePath.of(words[0]) }
        for index in words.indices.dropFirst() where FileManager.default.fileExists(atPath: words[index]) {
            words[index] = AbsolutePath.of(words[index])
        }
        return TrainerCommand(
            words: words, timeLimit: .seconds(Lifetime.seconds(trainerTimeLimit) ?? 3_600),
            folder: AbsolutePath.of(state) + "/trainer",
            threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
    }

    /// Where this worker waits for its turn; `nil` where it does not.
    private func slots(_ logger: Logger) throws -> SlotWait? {
        // A slower machine's worker sleeps while it trains: it keeps nobody from anything.
        guard slowdown == nil else { return nil }
        let environment = ProcessInfo.processInfo.environment
        let choice: SlotChoice
        switch (trainingSlots, environment["SHOAL_TRAINING_SLOTS"]) {
        case (let given?, _): choice = given
        case (nil, let text?) where !text.isEmpty:
            guard let named = SlotChoice(argument: text) else {
                throw CommandFailure.badInput("SHOAL_TRAINING_SLOTS is '\(text)'; set auto, off or a number above 0")
            }
            choice = named
        default: choice = .limit(.automatic)
        }
        guard case .limit(let limit) = choice else { return nil }
        do {
            let cores = ProcessInfo.processInfo.activeProcessorCount
            return SlotWait(
                TrainingSlots(
                    in: try SlotFolder.shared(environment: environment), limit: limit, host: SlotHost(cores: cores)),
                threads: threads ?? cores, sleep: { Thread.sleep(forTimeInterval: $0) })
        } catch {
            logger.warning("trains without waiting for this machine's other workers: \(error)")
            return nil
        }
    }
}

/// `--training-slots`.
enum SlotChoice: Hashable, ExpressibleByArgument {
    case off
    case limit(SlotLimit)

    init?(argument: String) {
        switch argument {
        case "off": self = .off
        case "auto": self = .limit(.automatic)
        default:
            guard let count = Int(argument), count > 0 else { return nil }
            self = .limit(.count(count))
        }
    }
}
