import Federation
import Foundation
import ModelFiles
import Randomness
import Recipe
import RunFile
import Simulation
import Testing
import Wire
import Worker

/// The coordinator knows the protocol, the worker's name and key, and everything but the worker's text; the worker has an
/// owner's policy. Every attack is answered by a Decline with its rule, and not a byte of an update leaves.
@Suite("A worker and a coordinator that wants its text")
struct MaliciousCoordinatorTests {
    private let folder = NSTemporaryDirectory() + "shoal-malicious-\(UUID().uuidString)"
    private let layout = AdapterLayout([("a.lora_A.weight", [2, 3]), ("a.lora_B.weight", [5, 2])])
    private let coordinator: MaliciousCoordinator
    private let end: MemoryWorkerLink
    private let runner = FakeRunner(items: 60, slope: 0.5)

    private static let policy = """
        training: {minimum-steps: 5, minimum-batch-size: 4, minimum-sequence-length: 32, minimum-examples: 50}
        privacy: {require: [clip, local-noise], minimum-noise-multiplier: 0.5}
        metrics: {allow: none}
        budget: {epsilon: 1000, delta: 1e-5}
        rounds: {attempts: 2}
        """

    init() throws {
        coordinator = MaliciousCoordinator(
            adapter: AdapterObject.encode(layout: layout, values: (0..<16).map { Float($0) / 8 }))
        end = coordinator.link.addWorker(keys: [.own: Conversation.key("clinic", 1)])
        try start()
    }

    /// For the first time or, as if after `kill -9`, again on the same state.
    private func start(_ policy: String = Self.policy) throws {
        coordinator.link.detach(end)
        var settings = WorkerSettings(
            software: "test", cores: 1, memoryBytes: 1 << 30, curveKey: Conversation.key("clinic", 1),
            signingKey: Conversation.key("clinic", 3), hasInvitation: false,
            model: HeldModel(path: "/models/base", identity: coordinator.baseModel))
        settings.identity = try WorkerIdentity(folder: folder)
        let state = try WorkerState(folder: folder)
        let service = WorkerService(
            settings: settings, state: state, link: end, loop: coordinator.link.executor, runner: runner,
            owner: try OwnerGuard(try OwnerPolicy(yaml: policy), state: state) {
                OwnerMoment(minute: 0, isOnMains: true)
            }, backoff: StreamKey(seed: 0, purpose: .backoff).generator(), observer: { _ in })
        coordinator.link.attach(service, to: end, keys: .own)
        _ = coordinator.link.run(limitSeconds: 5) { false }
    }

    /// - Returns: Whether the attack was declined by this rule, and nothing left the worker meanwhile.
    private func isRefused(_ rule: String, _ attack: () throws -> Void) rethrows -> Bool {
        let (declines, updates, trained) = (coordinator.declines.count, coordinator.updates.count, runner.started.count)
        try attack()
        let reasons = coordinator.declines.dropFirst(declines).map(\.reason)
        return reasons.count == 1 && reasons[0].contains("the owner's policy declines: \(rule)")
            && coordinator.updates.count == updates && coordinator.reports.isEmpty && runner.started.count == trained
    }

    @Test("an honest task is done, and what it gives is noise in every value")
    func honest() throws {
        coordinator.ask(round: 1)
        let (commit, bytes) = try #require(coordinator.updates.first)
        #expect(coordinator.declines.isEmpty && coordinator.updates.count == 1)
        #expect(commit.trainingItems == 1 && commit.tokensTrained == nil && commit.trainLoss == nil)
        #expect(!commit.isClipped)
        // What the trainer gave, clipped to norm 1, is known here: the rest is the noise.
        let values = try Codecs.make(.dense).decode(bytes, count: 16, seed: 0)
        let given = (0..<16).map { runner.shift($0) }
        let norm = given.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(zip(values, given).allSatisfy { abs(Double($0) - $1 / norm) > 1e-6 })
    }

    @Test("one step, a batch of one, blocks of one token, no clip, no noise and too little noise are declined")
    func small() {
        coordinator.ask(round: 1)
        #expect(coordinator.updates.count == 1)
        #expect(isRefused("training.minimum-steps 5") { coordinator.ask(round: 2) { $0.training.localSteps = 1 } })
        // Eight steps, of which a schedule that ends early leaves one.
        #expect(
            isRefused("training.minimum-steps 5") {
                coordinator.ask(round: 2) {
                    $0.training.schedule = .linear
                    $0.training.totalSteps = 9
                }
            })
        #expect(isRefused("training.minimum-batch-size 4") { coordinator.ask(round: 2) { $0.training.batchSize = 1 } })
        #expect(
            isRefused("training.minimum-sequence-length 32") {
                coordinator.ask(round: 2) { $0.training.sequenceLength = 2 }
            })
        #expect(isRefused("privacy.require clip, local-noise") { coordinator.ask(round: 2) { $0.privacy = nil } })
        #expect(
            isRefused("privacy.require clip, local-noise") {
                coordinator.ask(round: 2) { $0.privacy = UpdatePrivacy(withholdsMetrics: true) }
            })
        #expect(
            isRefused("privacy.require clip, local-noise") {
                coordinator.ask(round: 2) { $0.privacy?.noiseDeviation = 0 }
            })
        // A clip so wide that the noise drowns in the update.
        #expect(
            isRefused("privacy.minimum-noise-multiplier 0.5") {
                coordinator.ask(round: 2) { $0.privacy?.clip = 10 }
            })
        #expect(isRefused("metrics.allow none") { coordinator.ask(round: 2) { $0.task = .evaluate } })
        // None of it has spoilt the next honest task.
        coordinator.ask(round: 2)
        #expect(coordinator.updates.count == 2)
    }

    @Test("steps that a round's end forgets are none: one left of eight is a gradient of one batch")
    func forgotten() throws {
        let rule = "training.minimum-steps 5"
        coordinator.ask(round: 1)
        let sgd = { (change: @escaping (inout TrainingOptions) -> Void) in
            isRefused(rule) {
                coordinator.ask(round: 2) {
                    ($0.training.optimizer, $0.training.learningRate) = (.sgd, 0.1)
                    change(&$0.training)
                }
            }
        }
        // Each step begins where the round began: rate times pull is 1.
        #expect(sgd { $0.proximal = 10 })
        #expect(sgd { $0.weightDecay = 10 })
        #expect(sgd { ($0.proximal, $0.weightDecay) = (4, 5) })
        #expect(sgd { ($0.proximal, $0.momentum) = (10, 0.01) })
        // Or far beyond it, so that the first step outgrows all others.
        #expect(sgd { $0.proximal = 40 })
        #expect(
            isRefused(rule) { coordinator.ask(round: 2) { $0.training.weightDecay = 1 / $0.training.learningRate } })
        #expect(isRefused(rule) { coordinator.ask(round: 2) { $0.training.proximal = 1e-3 } })
        #expect(coordinator.declines.last?.reason.contains("training.weight-decay, training.proximal") == true)
        // A gentle pull, as FedProx has it, is no attack.
        coordinator.ask(round: 2) {
            ($0.training.optimizer, $0.training.learningRate) = (.sgd, 0.1)
            ($0.training.proximal, $0.training.weightDecay, $0.training.momentum) = (0.1, 0.01, 0.9)
        }
        #expect(coordinator.updates.count == 2)
    }

    @Test("a seed that was searched for draws no batch: the worker's own secret does")
    func searchedSeed() throws {
        func drawn(_ seed: UInt64, round: Int) -> [Int] {
            var stream = StreamKey(
                seed: seed, round: round, attempt: 1, worker: MaliciousCoordinator.name.text, purpose: .batches
            ).generator()
            return (0..<4).map { _ in stream.index(below: 60) }
        }
        // One example four times.
        let bad = try #require((0..<10_000_000).first { Set(drawn($0, round: 1)).count == 1 })
        coordinator.ask(round: 1) { $0.seed = bad }
        coordinator.ask(round: 1) { $0.seed = bad }
        coordinator.ask(round: 2) { $0.seed = bad }
        let own = runner.started.compactMap(\.ownSeed)
        #expect(runner.started.map(\.seed) == [bad, bad, bad] && own.count == 3)
        // Asked alike, a worker draws alike; no two rounds do.
        #expect(own[0] == own[1] && own[0] != own[2] && own[0] != bad)
        let secret = folder + "/noise.key"
        let mode = try FileManager.default.attributesOfItem(atPath: secret)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        // Another secret draws otherwise: what was drawn follows from nothing that travels.
        try FileManager.default.removeItem(atPath: secret)
        try start()
        coordinator.ask(round: 2) { $0.seed = bad }
        #expect(runner.started.count == 4 && runner.started[3].ownSeed.map { $0 != own[2] } == true)
        // Without such a policy a round is the run's alone, and may be drawn again from its seed.
        try start("rounds: {attempts: 3}")
        coordinator.ask(round: 3) { $0.seed = bad }
        #expect(runner.started.count == 5 && runner.started[4].ownSeed == nil)
    }

    @Test("losses of single texts cannot be asked for: neither beside noise nor over hardly any text")
    func figures() throws {
        // Nothing is said of metrics: noise alone decides.
        try start("privacy: {require: [clip, local-noise]}\nbudget: {epsilon: 1000, delta: 1e-5}")
        coordinator.ask(round: 1) { $0.privacy?.withholdsMetrics = false }
        let commit = try #require(coordinator.updates.first?.commit)
        #expect(commit.trainingItems == 1 && commit.tokensTrained == nil && commit.trainLoss == nil)
        #expect(isRefused("metrics.allow none") { coordinator.ask(round: 2) { $0.task = .evaluate } })
        try start("training: {minimum-sequence-length: 32}")
        #expect(
            isRefused("training.minimum-sequence-length 32") {
                coordinator.ask(round: 2) {
                    $0.task = .evaluate
                    $0.training.sequenceLength = 2
                }
            })
    }

    @Test("the same round with another configuration is declined: two views of one batch tell more than one")
    func configuredAnew() throws {
        coordinator.ask(round: 1)
        let rule = "rounds.one-configuration"
        #expect(isRefused(rule) { coordinator.ask(round: 1) { $0.seed = 9 } })
        #expect(isRefused(rule) { coordinator.ask(round: 1) { $0.uplink = CodecName(name: "int8") } })
        #expect(isRefused(rule) { coordinator.ask(round: 1) { $0.training.learningRate *= 2 } })
        #expect(isRefused(rule) { coordinator.ask(round: 1) { $0.privacy?.noiseDeviation = 2 } })
        #expect(isRefused(rule) { coordinator.ask(round: 1) { $0.adapter = ContentHash(of: [1]) } })
        // A worker that was killed in between remembers.
        try start()
        #expect(isRefused(rule) { coordinator.ask(round: 1) { $0.seed = 9 } })
    }

    @Test("the same round again and again, and rounds of the past, are declined")
    func again() throws {
        coordinator.ask(round: 1)
        coordinator.ask(round: 1)
        #expect(coordinator.updates.count == 2)
        // Asked alike, a worker answers alike: the noise of the second is that of the first.
        #expect(coordinator.updates[0].bytes == coordinator.updates[1].bytes)
        for _ in 0..<3 { #expect(isRefused("rounds.attempts 2") { coordinator.ask(round: 1) }) }
        #expect(isRefused("rounds.attempts 2") { coordinator.ask(round: 1, attempt: 2) })
        try start()
        #expect(isRefused("rounds.attempts 2") { coordinator.ask(round: 1) })
        coordinator.ask(round: 3)
        #expect(coordinator.updates.count == 3)
        // Within one life, a task that a later one overtook is not even answered.
        try start()
        #expect(isRefused("rounds.order") { coordinator.ask(round: 2) })
    }

    @Test("a run that takes its protection back between rounds is declined, also by an owner who did not ask for it")
    func downgraded() throws {
        try start("training: {minimum-steps: 2}")
        coordinator.ask(round: 1)
        #expect(coordinator.updates.count == 1)
        let rule = "rounds.no-downgrade"
        #expect(isRefused(rule) { coordinator.ask(round: 2) { $0.privacy = nil } })
        #expect(isRefused(rule) { coordinator.ask(round: 2) { $0.privacy?.noiseDeviation = 0.5 } })
        #expect(isRefused(rule) { coordinator.ask(round: 2) { $0.privacy?.withholdsMetrics = false } })
        // The program behind the coordinator's key is another one now: it keeps no signed records any more.
        coordinator.features = [Feature.frugalUplink]
        try start("training: {minimum-steps: 2}")
        #expect(isRefused(rule) { coordinator.ask(round: 2) })
        coordinator.features = [Feature.frugalUplink, Feature.roundRecords, Feature.privateUpdates]
        try start("training: {minimum-steps: 2}")
        coordinator.ask(round: 2)
        #expect(coordinator.updates.count == 2)
    }

    @Test(
        "masks are asked for once: not unmasked, not in a small cohort, not anew in the same round, not given up later")
    func masked() throws {
        let policy = "privacy: {require: [masks], minimum-cohort: 20}"
        try start(policy)
        let masking = UpdateMasking(
            clip: 1, levels: 1_000, weightLimit: 1, minimumCohort: 20, corruptFraction: 0.1, dropoutFraction: 0.1,
            parameterCount: 16)
        #expect(isRefused("privacy.require masks: the update travels unmasked") { coordinator.ask(round: 1) })
        #expect(
            isRefused("privacy.minimum-cohort 20: sums of 19 workers can be read") {
                coordinator.ask(round: 1) {
                    $0.masking = masking
                    $0.masking?.minimumCohort = 19
                }
            })
        #expect(coordinator.maskSteps == 0)
        coordinator.ask(round: 1) { $0.masking = masking }
        // Taken: the worker shows its mask keys, and trains once it knows among whom.
        #expect(coordinator.maskSteps > 0 && coordinator.declines.count == 2)
        let again = {
            isRefused("rounds.one-configuration") {
                coordinator.ask(round: 1) {
                    $0.masking = masking
                    $0.masking?.levels = 2_000
                }
            }
        }
        #expect(again())
        try start(policy)
        #expect(again())
        try start("training: {minimum-steps: 2}")
        #expect(isRefused("rounds.no-downgrade") { coordinator.ask(round: 2) })
        #expect(
            isRefused("rounds.no-downgrade") {
                coordinator.ask(round: 2) {
                    $0.masking = masking
                    $0.masking?.minimumCohort = 2
                }
            })
    }

    @Test("when the budget is spent, nothing leaves any more, whatever name the run has")
    func spent() throws {
        try start(Self.policy.replacing("epsilon: 1000", with: "epsilon: 8"))
        var round = 0
        while coordinator.declines.isEmpty, round < 50 {
            round += 1
            coordinator.ask(round: round)
        }
        let step = try SampledGaussian(samplingRate: 1, noiseMultiplier: 1)
        let affordable = try PrivacyBudget(epsilon: 8, delta: 1e-5).left(step, after: [:], limit: 50)
        #expect(affordable >= 1 && coordinator.updates.count == affordable && round == affordable + 1)
        #expect(coordinator.declines[0].reason.contains("budget.epsilon 8"))
        try start(Self.policy.replacing("epsilon: 1000", with: "epsilon: 8"))
        #expect(isRefused("budget.epsilon 8") { coordinator.ask(round: round + 1) })
    }
}
