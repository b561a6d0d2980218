import Federation
import Foundation
import ModelFiles
import Recipe
import RunFile
import Testing
import Wire
import Worker

@Suite("What an owner's policy counts")
struct OwnerLedgerTests {
    private let moment = OwnerMoment(minute: 0, isOnMains: true)

    @Test func theWorkersEpsilonIsTheAccountantsWithoutSampling() throws {
        var standing = OwnerStanding()
        standing.begin(.sound())
        for number in 0..<10 { standing.release(ContentHash(of: [UInt8(number)]), of: "r", noiseMultiplier: 2) }
        // The same update once more is the same noise once more.
        standing.release(ContentHash(of: [9]), of: "r", noiseMultiplier: 2)
        let step = try SampledGaussian(samplingRate: 1, noiseMultiplier: 2)
        #expect(standing.steps == [step: 10])
        // Ten Gaussian mechanisms of noise 2 are one of noise 2/√10 (Dong et al. 2022, Corollary 3.3).
        let one = try SampledGaussian(samplingRate: 1, noiseMultiplier: 2 / 10.0.squareRoot())
        let expected = try PrivacyLossAccountant.epsilon([one: 1], delta: 1e-5)
        let spent = try PrivacyBudget(epsilon: 100, delta: 1e-5).spent(standing.steps)
        #expect(abs(spent - expected) < 1e-3 * expected)
    }

    @Test func theUpdateThatWouldOverspendIsDeclined() throws {
        var policy = OwnerPolicy()
        (policy.epsilon, policy.delta) = (4, 1e-5)
        let step = try SampledGaussian(samplingRate: 1, noiseMultiplier: 2)
        let affordable = try PrivacyBudget(epsilon: 4, delta: 1e-5).left(step, after: [:], limit: 100)
        #expect(affordable >= 2)
        var standing = OwnerStanding()
        for number in 0...affordable {
            let terms = OfferTerms.sound { ($0.round, $0.noiseMultiplier) = (number + 1, 2) }
            let verdict = policy.decide(terms, standing, at: moment)
            guard number < affordable else {
                guard case .decline(let refusal) = verdict else { return #expect(Bool(false)) }
                return #expect(refusal.rule == .epsilon && refusal.description.contains("would overspend it"))
            }
            #expect(verdict == .accept)
            standing.begin(terms)
            standing.release(ContentHash(of: [UInt8(number)]), of: "r", noiseMultiplier: 2)
        }
    }

    @Test func withABudgetAnUpdateWithoutNoiseNeedsAnAllowanceOfItsOwn() {
        var policy = OwnerPolicy()
        (policy.epsilon, policy.delta) = (4, 1e-5)
        let plain = OfferTerms.sound { $0.noiseMultiplier = 0 }
        guard case .decline(let refusal) = policy.decide(plain, OwnerStanding(), at: moment) else {
            return #expect(Bool(false))
        }
        #expect(refusal.rule == .epsilon)
        policy.maximumUpdates = 1
        #expect(policy.decide(plain, OwnerStanding(), at: moment) == .accept)
        var standing = OwnerStanding()
        standing.begin(plain)
        standing.release(ContentHash(of: [1]), of: "r", noiseMultiplier: 0)
        guard
            case .decline(let second) = policy.decide(
                .sound { ($0.round, $0.noiseMultiplier) = (2, 0) }, standing, at: moment)
        else { return #expect(Bool(false)) }
        #expect(second.rule == .maximumUpdates)
        // Another run spends from the same budget.
        guard
            case .decline(let third) = policy.decide(
                .sound { ($0.run, $0.noiseMultiplier) = ("s", 0) }, standing, at: moment)
        else { return #expect(Bool(false)) }
        #expect(third.rule == .maximumUpdates)
    }

    @Test func withoutABudgetOfEpsilonLittleNoiseDoesNotMakeAnUpdateFree() {
        var policy = OwnerPolicy()
        policy.maximumUpdates = 2
        var standing = OwnerStanding()
        for (number, noise) in [(1, 0.06), (2, 0)] {
            let terms = OfferTerms.sound { ($0.run, $0.noiseMultiplier) = ("run \(number)", noise) }
            #expect(policy.decide(terms, standing, at: moment) == .accept)
            standing.begin(terms)
            standing.release(ContentHash(of: [UInt8(number)]), of: terms.run, noiseMultiplier: noise)
        }
        for noise in [0, 0.06, 10] {
            let terms = OfferTerms.sound { ($0.run, $0.noiseMultiplier) = ("run 3", noise) }
            guard case .decline(let refusal) = policy.decide(terms, standing, at: moment) else {
                return #expect(Bool(false), "\(noise)")
            }
            #expect(refusal.description.contains("budget.maximum-updates 2: as many updates have left (2)"))
        }
    }

    private func policy(_ yaml: String) throws -> OwnerPolicy { try OwnerPolicy(yaml: yaml) }

    @Test func whatLeftIsRememberedAcrossRestarts() throws {
        let bench = WorkerBench()
        try bench.start(policy: policy("budget: {maximum-updates: 1}"))
        bench.beginTask()
        bench.finishTraining()
        // Not acknowledged, and still counted: it may have arrived.
        #expect(bench.owner?.standing.steps.isEmpty == true)
        try bench.start(policy: policy("budget: {maximum-updates: 1}"))
        bench.openSession()
        bench.receive(.offer(bench.offer(lease: 8)), round: 5, attempt: 1)
        let decline = try #require(bench.declines.last)
        #expect(decline.lease == 8 && decline.reason.contains("budget.maximum-updates 1"))
        // The first update itself may still be sent.
        try bench.start(policy: policy("budget: {maximum-updates: 1}"))
        bench.openSession()
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        #expect(bench.kinds().contains("UpdateBegin"))
    }

    @Test func aDamagedRecordEndsTheWorkerInsteadOfBeginningAnew() throws {
        let bench = WorkerBench()
        try bench.start(policy: policy("budget: {maximum-updates: 1}"))
        bench.beginTask()
        let path = bench.folder + "/owner.json"
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        try Data("{\"version\":1}".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: OwnerLedgerError.unreadable(path: path)) {
            try bench.start(policy: policy("budget: {maximum-updates: 1}"))
        }
    }

    @Test func metricsThatTheOwnerKeepsDoNotLeave() throws {
        for (yaml, items, tokens, loss) in [
            ("metrics: {allow: none}", 1, nil, nil), ("metrics: {allow: [tokens]}", 1, 192, nil),
            ("metrics: {allow: [training-loss, training-items]}", 11, nil, 1.25),
            ("metrics: {minimum-examples: 12}", 1, nil, nil), ("metrics: {minimum-examples: 11}", 11, 192, 1.25),
        ] as [(String, UInt64, UInt64?, Float?)] {
            let bench = WorkerBench()
            try bench.start(chunkBytes: 1_000, policy: policy(yaml))
            bench.beginWholeTask(bench.offer())
            bench.runner.report(.progress(step: 1, totalSteps: 3, loss: 2, items: 100))
            bench.advance(WorkerBench.heartbeatSeconds)
            let heartbeats = bench.sent().heartbeats
            #expect(!heartbeats.isEmpty && heartbeats.allSatisfy { $0.loss == nil })
            bench.finishTraining()
            guard case .updateWhole(let commit)? = bench.sent().first("UpdateWhole")?.message else {
                return #expect(Bool(false), "\(yaml)")
            }
            #expect(commit.trainingItems == items && commit.tokensTrained == tokens, "\(yaml)")
            #expect(commit.trainLoss == loss, "\(yaml)")
        }
    }

    /// Without any policy, as with one.
    @Test(arguments: [nil, "training: {minimum-steps: 1}"] as [String?])
    func figuresOverHardlyAnyTextDoNotLeave(_ yaml: String?) throws {
        for (items, steps, batch, isTold) in [
            (9, 3, 16, false), (10, 3, 16, true), (100, 1, 4, false), (100, 3, 4, true),
        ] as [(Int, Int, Int, Bool)] {
            let bench = WorkerBench()
            try bench.start(chunkBytes: 1_000, policy: try yaml.map(policy), metricsMinimumExamples: 10)
            var offer = bench.offer()
            offer.training.batchSize = batch
            bench.beginWholeTask(offer)
            bench.runner.report(
                .trained(
                    values: zip(bench.global, bench.delta).map { $0 + $1 }, trainingItems: items, steps: steps,
                    tokens: 50, meanLoss: 1.5))
            bench.tick()
            guard case .updateWhole(let commit)? = bench.sent().first("UpdateWhole")?.message else {
                return #expect(Bool(false))
            }
            #expect(commit.trainLoss == (isTold ? 1.5 : nil), "\(items) \(steps) \(batch)")
            #expect(commit.trainingItems == (items < 10 ? 1 : UInt64(items)))
            #expect((commit.tokensTrained == nil) == (items < 10))
        }
    }

    @Test func heartbeatsTellMeansFromWhichNoSingleLossFollows() throws {
        let bench = WorkerBench()
        try bench.start(chunkBytes: 1_000, metricsMinimumExamples: 10)
        var offer = bench.offer()
        offer.training.batchSize = 4
        bench.beginWholeTask(offer)
        func told(after step: Int, items: Int = 100) -> Float? {
            bench.runner.report(.progress(step: step, totalSteps: 9, loss: Double(step), items: items))
            bench.forgetSent()
            bench.advance(WorkerBench.heartbeatSeconds)
            return bench.sent().heartbeats.last?.loss
        }
        // Three steps of four are the first that are ten, and three more the next.
        #expect([2, 3, 5, 6].map { told(after: $0) } == [nil, 3, 3, 6])
        let little = WorkerBench()
        try little.start(chunkBytes: 1_000, metricsMinimumExamples: 10)
        little.beginWholeTask(offer)
        little.runner.report(.progress(step: 8, totalSteps: 9, loss: 1, items: 9))
        little.advance(WorkerBench.heartbeatSeconds)
        #expect(little.sent().heartbeats.allSatisfy { $0.loss == nil })
    }

    @Test func anEvaluationOverTooLittleTellsNothing() throws {
        let bench = WorkerBench()
        try bench.start(policy: policy("metrics: {minimum-examples: 5}"))
        bench.beginTask(bench.offer(task: .evaluate))
        #expect(bench.runner.started.first?.refusal?(4, .evaluate)?.rule == .metricsMinimumExamples)
        #expect(bench.runner.started.first?.refusal?(4, .train) == nil)
        bench.forgetSent()
        bench.runner.report(.evaluated(items: 4, lossSum: 10, squaredLossSum: 30))
        bench.tick()
        let decline = try #require(bench.declines.last)
        #expect(decline.reason.hasSuffix("metrics.minimum-examples 5: this worker has fewer to evaluate on"))
    }

    @Test func aForeignBaseModelIsNotEvenFetched() throws {
        let bench = WorkerBench()
        let other = ContentHash(of: [77])
        try bench.start(downloadsModel: true, policy: policy("allow: {base-models: [\(other)]}"))
        bench.openSession()
        #expect(bench.kinds() == [])
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        #expect(bench.declines.last?.reason.contains("allow.base-models of 1: base model \(bench.baseModel)") == true)
    }

    @Test func aNoiseSecretThatOthersMayReadEndsTheWorker() throws {
        let bench = WorkerBench()
        try bench.start()
        try Data([UInt8](repeating: 7, count: 32)).write(to: URL(fileURLWithPath: bench.folder + "/noise.key"))
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: bench.folder + "/noise.key")
        var offer = bench.offer()
        offer.privacy = UpdatePrivacy(clip: 1, noiseDeviation: 1, withholdsMetrics: true)
        bench.beginTask(offer)
        bench.finishTraining()
        #expect(bench.failure?.contains("others may read it; run: chmod 600") == true)
        #expect(bench.pendingFiles == [])
    }

    @Test func underNoiseOfItsOwnAWorkerDoesNotTellWhetherItClipped() throws {
        for (deviation, isTold) in [(0.0, true), (0.5, false)] {
            let bench = WorkerBench()
            try bench.start(chunkBytes: 1_000)
            var offer = bench.offer()
            offer.privacy = UpdatePrivacy(clip: 1e-3, noiseDeviation: deviation, withholdsMetrics: true)
            bench.beginWholeTask(offer)
            bench.finishTraining()
            guard case .updateWhole(let commit)? = bench.sent().first("UpdateWhole")?.message else {
                return #expect(Bool(false))
            }
            #expect(commit.isClipped == isTold)
        }
    }

    @Test(
        "mains power is read as the kernel tells it",
        arguments: [
            ([:], true), (["AC": ["Mains", "1"]], true),
            (["AC": ["Mains", "0"], "BAT0": ["Battery", "Discharging"]], false),
            (["BAT0": ["Battery", "Discharging"]], false), (["BAT0": ["Battery", "Charging"]], true),
            (["AC": ["Mains", "0"], "BAT0": ["Battery", "Not charging"]], false),
            (["ucsi": ["USB", "1"], "AC": ["Mains", "0"], "BAT0": ["Battery", "Full"]], true),
            (["mouse": ["Battery", "Discharging", "Device"]], true),
        ] as [([String: [String]], Bool)])
    func power(_ supplies: [String: [String]], _ isOnMains: Bool) throws {
        let folder = NSTemporaryDirectory() + "shoal-power-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, fields) in supplies {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            let names = ["type", fields[0] == "Battery" ? "status" : "online", "scope"]
            for (file, value) in zip(names, fields) {
                try Data("\(value)\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)/\(file)"))
            }
        }
        #expect(PowerSupply(folder: folder).isOnMains == isOnMains)
    }
}

extension WorkerBench {
    /// A session in which the trainer is at work on round 4, attempt 1, and whose update leaves in one message.
    fileprivate func beginWholeTask(_ offer: Offer) {
        openSession(features: [Feature.frugalUplink])
        receive(.offer(offer), round: 4, attempt: 1)
        receive(
            .objectChunk(
                ObjectChunk(object: ContentHash(of: adapter), offset: 0, totalBytes: UInt64(adapter.count))),
            answering: sent().first("Accept")?.id ?? 0, payload: adapter)
    }
}
