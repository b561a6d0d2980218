import ModelFiles
import Randomness
import RunFile
import Testing
import Worker

extension OfferTerms {
    /// A task that an exacting owner takes.
    static func sound(_ change: (inout OfferTerms) -> Void = { _ in }) -> OfferTerms {
        var terms = OfferTerms(
            run: "r", round: 1, attempt: 1, configuration: ContentHash(of: [1]), baseModel: ContentHash(of: [2]),
            coordinator: "key", steps: 10, batchSize: 8, sequenceLength: 64, clip: 0.5, noiseMultiplier: 1,
            cohort: 20, withholdsMetrics: true, features: ["round-records"])
        change(&terms)
        return terms
    }
}

extension OwnerPolicy {
    static func exacting(_ change: (inout OwnerPolicy) -> Void = { _ in }) -> OwnerPolicy {
        var policy = OwnerPolicy()
        policy.baseModels = [ContentHash(of: [2])]
        policy.coordinators = ["key"]
        policy.minimumSteps = 10
        policy.minimumBatchSize = 8
        policy.minimumSequenceLength = 64
        policy.required = [.clip, .localNoise, .masks]
        policy.maximumClip = 0.5
        policy.minimumNoiseMultiplier = 1
        policy.minimumCohort = 20
        policy.hours = DayHours("22:00-06:00").map { [$0] }
        policy.power = .mainsOnly
        change(&policy)
        return policy
    }
}

@Suite("What an owner's policy decides")
struct PolicyDecisionTests {
    private let night = OwnerMoment(minute: 23 * 60, isOnMains: true)

    private func rule(
        _ terms: OfferTerms, _ policy: OwnerPolicy = .exacting(), _ standing: OwnerStanding = OwnerStanding(),
        at moment: OwnerMoment? = nil
    ) -> String? {
        switch policy.decide(terms, standing, at: moment ?? night) {
        case .accept: nil
        case .decline(let refusal): refusal.rule.rawValue
        }
    }

    @Test func whatMeetsEveryRuleIsTaken() {
        #expect(rule(.sound()) == nil)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (inout OfferTerms) -> Void

        init(_ rule: String, _ change: @escaping @Sendable (inout OfferTerms) -> Void) {
            testDescription = rule
            self.change = change
        }
    }

    @Test(
        "each rule declines what is just short of it",
        arguments: [
            Case("allow.base-models") { $0.baseModel = ContentHash(of: [3]) },
            Case("allow.coordinators") { $0.coordinator = "other" },
            Case("allow.coordinators") { $0.coordinator = nil },
            Case("training.minimum-steps") { $0.steps = 9 },
            Case("training.minimum-batch-size") { $0.batchSize = 7 },
            Case("training.minimum-sequence-length") { $0.sequenceLength = 63 },
            Case("privacy.require") { $0.clip = nil },
            Case("privacy.require") { $0.noiseMultiplier = 0 },
            Case("privacy.require") { $0.noiseMultiplier = 0.049 },
            Case("privacy.require") { $0.cohort = nil },
            Case("privacy.maximum-clip") { $0.clip = 0.51 },
            Case("privacy.minimum-noise-multiplier") { $0.noiseMultiplier = 0.99 },
            Case("privacy.minimum-cohort") { $0.cohort = 19 },
        ])
    func short(_ given: Case) {
        #expect(rule(.sound(given.change)) == given.testDescription)
    }

    @Test func aLargestClipNeedsAClip() {
        var policy = OwnerPolicy()
        policy.maximumClip = 2
        #expect(rule(.sound { $0.clip = nil }, policy) == "privacy.maximum-clip")
        #expect(rule(.sound { $0.clip = 2 }, policy) == nil)
    }

    @Test func hoursAndPowerDependOnTheMoment() {
        #expect(rule(.sound(), at: OwnerMoment(minute: 12 * 60, isOnMains: true)) == "schedule.hours")
        #expect(rule(.sound(), at: OwnerMoment(minute: 60, isOnMains: false)) == "schedule.power")
        #expect(rule(.sound { $0.task = .evaluate }, at: OwnerMoment(minute: 720, isOnMains: true)) == "schedule.hours")
        #expect(rule(.sound(), OwnerPolicy(), at: OwnerMoment(minute: 720, isOnMains: false)) == nil)
        // An update that was made in time is handed in.
        #expect(rule(.sound { $0.isResumed = true }, at: OwnerMoment(minute: 720, isOnMains: false)) == nil)
    }

    @Test func aCohortIsOnlyPromisedUnderMasks() {
        let policy = OwnerPolicy.exacting { $0.required = [.masks] }
        #expect(rule(.sound { $0.cohort = nil }, policy) == "privacy.require")
        #expect(rule(.sound { $0.cohort = 21 }, policy) == nil)
    }

    @Test func anEvaluationTellsHeldOutLossOrNothing() {
        let evaluation = OfferTerms.sound {
            $0.task = .evaluate
            $0.steps = 1  // Means nothing for it.
        }
        #expect(rule(evaluation) == nil)
        #expect(rule(evaluation, .exacting { $0.metrics = [.trainingLoss] }) == "metrics.allow")
        var standing = OwnerStanding()
        for _ in 0..<3 { standing.report() }
        #expect(rule(evaluation, .exacting { $0.maximumReports = 4 }, standing) == nil)
        #expect(rule(evaluation, .exacting { $0.maximumReports = 3 }, standing) == "budget.maximum-reports")
    }

    @Test func tooFewExamplesAreTrainedOnByNobody() {
        var policy = OwnerPolicy()
        #expect(policy.refusal(ofItems: 1, for: .train) == nil)
        policy.minimumExamples = 50
        #expect(policy.refusal(ofItems: 49, for: .train)?.rule == .minimumExamples)
        #expect(policy.refusal(ofItems: 50, for: .train) == nil)
        #expect(policy.refusal(ofItems: 9, for: .evaluate)?.rule == .metricsMinimumExamples)
        #expect(policy.refusal(ofItems: 10, for: .evaluate) == nil)
    }

    @Test func aRoundIsTrainedSoManyTimesAndNotInTwoWays() {
        var standing = OwnerStanding()
        let first = OfferTerms.sound { $0.round = 4 }
        standing.begin(first)
        #expect(rule(first, .exacting(), standing) == nil)
        #expect(rule(.sound { $0.round = 3 }, .exacting(), standing) == "rounds.order")
        let other = OfferTerms.sound {
            $0.round = 4
            $0.configuration = ContentHash(of: [9])
        }
        #expect(rule(other, .exacting(), standing) == "rounds.one-configuration")
        // The quality gate turned the first attempt back.
        let again = OfferTerms.sound {
            $0.round = 4
            $0.attempt = 2
            $0.configuration = ContentHash(of: [9])
        }
        #expect(rule(again, .exacting(), standing) == nil)
        standing.begin(again)
        #expect(rule(first, .exacting(), standing) == "rounds.order")
        standing.begin(again)
        #expect(rule(again, .exacting(), standing) == "rounds.attempts")
        // What was made before may be sent again and again: it says nothing new.
        #expect(
            rule(
                .sound { ($0.round, $0.attempt, $0.configuration, $0.isResumed) = (4, 2, again.configuration, true) },
                .exacting(), standing) == nil)
        #expect(rule(.sound { $0.round = 5 }, .exacting(), standing) == nil)
        #expect(rule(.sound { $0.run = "another" }, .exacting(), standing) == nil)
    }

    @Test(
        "a run's protection never gets less",
        arguments: [
            Case("clip") { $0.clip = nil }, Case("noise") { $0.noiseMultiplier = 0.99 },
            Case("masks") { $0.cohort = nil }, Case("cohort") { $0.cohort = 19 },
            Case("metrics") { $0.withholdsMetrics = false }, Case("feature") { $0.features = ["frugal-uplink"] },
        ])
    func downgrade(_ given: Case) {
        // Nothing is required: what the run itself promised first is.
        let policy = OwnerPolicy()
        var standing = OwnerStanding()
        standing.begin(.sound())
        let next = OfferTerms.sound {
            $0.round = 2
            given.change(&$0)
        }
        #expect(rule(next, policy, standing) == "rounds.no-downgrade")
        #expect(rule(next, policy) == nil)
        // A round in between that was as before does not make it right.
        standing.begin(.sound { $0.round = 2 })
        let later = OfferTerms.sound {
            $0.round = 3
            given.change(&$0)
        }
        #expect(rule(later, policy, standing) == "rounds.no-downgrade")
    }

    @Test func moreProtectionIsWelcomeAndKept() {
        var standing = OwnerStanding()
        standing.begin(.sound { ($0.noiseMultiplier, $0.cohort, $0.clip) = (0, nil, nil) })
        let better = OfferTerms.sound { $0.round = 2 }
        #expect(rule(better, OwnerPolicy(), standing) == nil)
        standing.begin(better)
        #expect(rule(.sound { ($0.round, $0.cohort) = (3, nil) }, OwnerPolicy(), standing) == "rounds.no-downgrade")
    }

    @Test(
        "masks and shared noise stay as strong as they were",
        arguments: [
            Case("masks that hold against fewer") { $0.maskCorrupt = 0.1 },
            Case("masks that stay whole with fewer lost") { $0.maskDropout = 0.2 },
            Case("sums with less noise") { $0.sharedNoiseMultiplier = 0.7 },
            Case("sums without noise") { $0.sharedNoiseMultiplier = 0 },
            Case("examples with less noise") { $0.exampleNoiseMultiplier = 1 },
        ])
    func maskDowngrade(_ given: Case) {
        let strong = { @Sendable (round: Int) in
            OfferTerms.sound {
                $0.round = round
                ($0.maskCorrupt, $0.maskDropout, $0.sharedNoiseMultiplier) = (0.2, 0.3, 0.8)
                $0.exampleNoiseMultiplier = 1.2
            }
        }
        var standing = OwnerStanding()
        standing.begin(strong(1))
        var weaker = strong(2)
        given.change(&weaker)
        #expect(rule(weaker, OwnerPolicy(), standing) == "rounds.no-downgrade")
        #expect(rule(strong(2), OwnerPolicy(), standing) == nil)
        // As what an earlier release wrote down says nothing of them, nothing was promised.
        var fresh = OwnerStanding()
        fresh.begin(.sound())
        #expect(rule(strong(2), OwnerPolicy(), fresh) == nil)
    }

    @Test func noiseOnSingleExamplesIsRequired() {
        var policy = OwnerPolicy()
        policy.required = [.exampleNoise]
        #expect(rule(.sound(), policy) == "privacy.require")
        #expect(rule(.sound { $0.exampleNoiseMultiplier = 0.6 }, policy) == nil)
        policy.minimumExampleNoiseMultiplier = 0.7
        #expect(
            rule(.sound { $0.exampleNoiseMultiplier = 0.6 }, policy) == "privacy.minimum-example-noise-multiplier")
        #expect(rule(.sound { $0.exampleNoiseMultiplier = 0.7 }, policy) == nil)
    }

    @Test func aRefusalNamesItsRuleItsValueAndWhatWasAsked() {
        guard
            case .decline(let refusal) = OwnerPolicy.exacting().decide(
                .sound { $0.steps = 1 }, OwnerStanding(), at: night)
        else { return #expect(Bool(false)) }
        #expect(
            refusal.description
                == "the owner's policy declines: training.minimum-steps 10: the round has 1 that move the "
                + "adapter and stay in it (training.local-steps, training.schedule, training.weight-decay, "
                + "training.proximal)")
    }

    @Test("a stricter policy never takes what a laxer one declines")
    func monotone() {
        var random = StreamKey(seed: 11, purpose: .faults).generator()
        func pick(_ values: [Int]) -> Int { values[Int(random.next() % UInt64(values.count))] }
        var declined = 0
        for _ in 0..<4_000 {
            let terms = OfferTerms.sound {
                $0.steps = pick([1, 5, 10])
                $0.batchSize = pick([1, 4, 8])
                $0.clip = pick([0, 1]) == 1 ? 0.5 : nil
                $0.noiseMultiplier = Double(pick([0, 1, 2]))
                $0.cohort = [nil, 10, 20][pick([0, 1, 2])]
                $0.round = pick([1, 2, 3])
                $0.configuration = ContentHash(of: [UInt8(pick([1, 2]))])
                $0.task = pick([0, 1, 2]) == 0 ? .evaluate : .train
            }
            var standing = OwnerStanding()
            for _ in 0..<pick([0, 1, 3]) { standing.begin(.sound { $0.noiseMultiplier = 0 }) }
            var lax = OwnerPolicy()
            lax.minimumSteps = pick([1, 5])
            lax.minimumBatchSize = pick([1, 4])
            lax.required = pick([0, 1]) == 1 ? [.clip] : []
            var strict = lax
            switch pick([0, 1, 2, 3, 4, 5]) {
            case 0: strict.minimumSteps = 10
            case 1: strict.minimumBatchSize = 8
            case 2: strict.required.formUnion([.localNoise])
            case 3: strict.required.formUnion([.masks])
            case 4: strict.attempts = 1
            default: strict.metrics = []
            }
            let (loose, tight) = (rule(terms, lax, standing), rule(terms, strict, standing))
            if loose != nil { #expect(tight != nil, "\(terms)") }
            if loose == nil, tight != nil { declined += 1 }
        }
        #expect(declined > 300)
    }
}
