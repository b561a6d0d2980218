public import Federation
internal import ModelFiles
public import RunFile
internal import Wire

/// Where and when a worker is asked.
public struct OwnerMoment: Hashable, Sendable {
    /// Since midnight, local time.
    public var minute: Int
    public var isOnMains: Bool

    public init(minute: Int, isOnMains: Bool) {
        self.minute = minute
        self.isOnMains = isOnMains
    }
}

extension OwnerPolicy {
    public enum Verdict: Hashable, Sendable {
        case accept
        case decline(PolicyRefusal)
    }

    /// Whether a worker may take a task.
    ///
    /// - Parameter standing: What has left this worker so far.
    public func decide(_ terms: OfferTerms, _ standing: OwnerStanding, at moment: OwnerMoment) -> Verdict {
        let refusal =
            refusalOfAsker(terms)
            // What is finished is handed in at any hour, and a sum that counts on it comes out.
            ?? (terms.isResumed ? nil : refusalOfMoment(moment))
            ?? (terms.task == .train
                ? refusalOfTraining(terms) ?? refusalOfProtection(terms) ?? refusalOfRound(terms, standing)
                    ?? refusalOfCost(terms, standing)
                : refusal(ofSequenceLength: terms.sequenceLength) ?? refusalOfEvaluation(standing))
        return refusal.map(Verdict.decline) ?? .accept
    }

    /// Whether this base model and this coordinator are allowed at all; a check before anything is downloaded.
    func refusalOfAsker(_ terms: OfferTerms) -> PolicyRefusal? {
        refusal(ofCoordinator: terms.coordinator) ?? refusal(ofBaseModel: terms.baseModel)
    }

    /// - Parameter key: CURVE public key, Z85; `nil` where the link proves none.
    public func refusal(ofCoordinator key: String?) -> PolicyRefusal? {
        guard let coordinators, !(key.map(coordinators.contains) ?? false) else { return nil }
        return PolicyRefusal(
            .coordinators, "of \(coordinators.count)",
            key.map { "coordinator \($0) is none of them" } ?? "an unencrypted link proves no coordinator")
    }

    func refusalOfMoment(_ moment: OwnerMoment) -> PolicyRefusal? {
        if let hours, !hours.contains(where: { $0.contains(minute: moment.minute) }) {
            let minutes = moment.minute % 60
            return PolicyRefusal(
                .hours, hours.map(\.description).joined(separator: ", "),
                "it is another hour here; ask again then",
                here: "it is \(moment.minute / 60):\(minutes < 10 ? "0" : "")\(minutes)")
        }
        if power == .mainsOnly, !moment.isOnMains {
            return PolicyRefusal(.power, power.rawValue, "this machine runs on battery")
        }
        return nil
    }

    /// - Parameters:
    ///   - steps: Those that move the adapter.
    ///   - isByText: Whether they are so many because of how much text this worker has.
    func refusal(ofSteps steps: Int, isByText: Bool = false) -> PolicyRefusal? {
        guard let minimumSteps, steps < minimumSteps else { return nil }
        guard !isByText else {
            return PolicyRefusal(
                .minimumSteps, "\(minimumSteps)", "the round has fewer over this worker's text (training.local-epochs)",
                here: "\(steps)")
        }
        return PolicyRefusal(
            .minimumSteps, "\(minimumSteps)",
            "the round has \(steps) that move the adapter and stay in it (training.local-steps, training.schedule, "
                + "training.weight-decay, training.proximal)")
    }

    private func refusalOfTraining(_ terms: OfferTerms) -> PolicyRefusal? {
        if let refusal = refusal(ofSteps: terms.steps) { return refusal }
        if let minimumBatchSize, terms.batchSize < minimumBatchSize {
            return PolicyRefusal(
                .minimumBatchSize, "\(minimumBatchSize)",
                "a step takes \(terms.batchSize) (training.batch-size times training.accumulation-steps)")
        }
        return refusal(ofSequenceLength: terms.sequenceLength)
    }

    private func refusal(ofSequenceLength length: Int) -> PolicyRefusal? {
        guard let minimumSequenceLength, length < minimumSequenceLength else { return nil }
        return PolicyRefusal(
            .minimumSequenceLength, "\(minimumSequenceLength)",
            "blocks have \(length) tokens (training.sequence-length)")
    }

    private func refusalOfProtection(_ terms: OfferTerms) -> PolicyRefusal? {
        let stated = required.map(\.rawValue).sorted().joined(separator: ", ")
        if required.contains(.clip), !terms.isClipped {
            return PolicyRefusal(.require, stated, "the update is not clipped (privacy.clip)")
        }
        if required.contains(.localNoise), OwnerStanding.step(terms.noiseMultiplier) == nil {
            return PolicyRefusal(.require, stated, "no noise is added here (privacy.mechanism: local)")
        }
        if required.contains(.masks), terms.cohort == nil {
            return PolicyRefusal(.require, stated, "the update travels unmasked (privacy.secure-aggregation)")
        }
        if required.contains(.exampleNoise), terms.exampleNoiseMultiplier == 0 {
            return PolicyRefusal(
                .require, stated, "no noise is added to gradients of single examples (privacy.example-clip)")
        }
        if let least = minimumExampleNoiseMultiplier, terms.exampleNoiseMultiplier < least {
            return PolicyRefusal(
                .minimumExampleNoiseMultiplier, "\(least)",
                "noise on single examples is \(terms.exampleNoiseMultiplier) times their clip "
                    + "(privacy.example-noise-multiplier)")
        }
        if let maximumClip, terms.clip.map({ $0 > maximumClip }) ?? true {
            return PolicyRefusal(
                .maximumClip, "\(maximumClip)",
                terms.clip.map { "the update is clipped to \($0) (privacy.clip)" }
                    ?? "the update is not clipped (privacy.clip)")
        }
        if let minimumNoiseMultiplier, terms.noiseMultiplier < minimumNoiseMultiplier * (1 - 1e-5) {
            return PolicyRefusal(
                .minimumNoiseMultiplier, "\(minimumNoiseMultiplier)",
                "the noise is \(terms.noiseMultiplier) times the clip (privacy.noise-multiplier)")
        }
        if let minimumCohort, terms.cohort ?? 0 < minimumCohort {
            return PolicyRefusal(
                .minimumCohort, "\(minimumCohort)",
                terms.cohort.map { "sums of \($0) workers can be read" } ?? "the task promises no cohort")
        }
        return nil
    }

    private func refusalOfRound(_ terms: OfferTerms, _ standing: OwnerStanding) -> PolicyRefusal? {
        guard let run = standing.runs[terms.run] else {
            guard standing.runs.count >= OwnerStanding.runsMax else { return nil }
            return PolicyRefusal(
                .runs, "\(OwnerStanding.runsMax)", "no more runs are remembered; use a new state folder")
        }
        if let loss = downgrade(from: run, to: terms) { return PolicyRefusal(.noDowngrade, "", loss) }
        guard (terms.round, terms.attempt) >= (run.round, run.attempt) else {
            return PolicyRefusal(
                .order, "",
                "round \(terms.round), attempt \(terms.attempt) is over here: the run was at round "
                    + "\(run.round), attempt \(run.attempt)")
        }
        if (terms.round, terms.attempt) == (run.round, run.attempt),
            terms.configuration.description != run.configuration
        {
            return PolicyRefusal(
                .oneConfiguration, "",
                "round \(terms.round), attempt \(terms.attempt) was asked before with another configuration")
        }
        guard !terms.isResumed, terms.round == run.round, run.trainings >= attempts else { return nil }
        return PolicyRefusal(.attempts, "\(attempts)", "round \(terms.round) was trained \(run.trainings) times")
    }

    /// What the run protected before and would not any more; `nil` if nothing.
    private func downgrade(from run: OwnerStanding.Run, to terms: OfferTerms) -> String? {
        if run.isClipped, !terms.isClipped { return "updates of this run were clipped before, and would not be" }
        // Rounded down to millionths, the ratio of an adapting clip may differ by one of them.
        if terms.noiseMultiplier < run.noiseMultiplier * (1 - 1e-5) - 1e-6 {
            return "updates of this run had noise of \(run.noiseMultiplier) times the clip, and would have "
                + "\(terms.noiseMultiplier)"
        }
        if terms.cohort ?? 0 < run.cohort {
            return "updates of this run were masked among \(run.cohort) workers, and would "
                + (terms.cohort.map { "be among \($0)" } ?? "travel unmasked")
        }
        if let corrupt = run.maskCorrupt, terms.maskCorrupt < corrupt {
            return "masks of this run held while a share of \(corrupt) of the workers colluded, and would hold for "
                + "\(terms.maskCorrupt) (privacy.mask-corrupt)"
        }
        if let dropout = run.maskDropout, terms.maskDropout < dropout {
            return "masks of this run stayed whole with a share of \(dropout) of the workers lost, and would with "
                + "\(terms.maskDropout) (privacy.mask-dropout)"
        }
        if let noise = run.sharedNoiseMultiplier, terms.sharedNoiseMultiplier < noise * (1 - 1e-5) - 1e-6 {
            return "sums of this run had noise of \(noise) times what one worker adds, and would have "
                + "\(terms.sharedNoiseMultiplier)"
        }
        if let noise = run.exampleNoiseMultiplier, terms.exampleNoiseMultiplier < noise {
            return "training of this run had noise of \(noise) times the clip on single examples, and would have "
                + "\(terms.exampleNoiseMultiplier)"
        }
        if run.withholdsMetrics, !terms.withholdsMetrics {
            return "this run withheld metrics before, and asks for them"
        }
        let lost = run.features.filter { !terms.features.contains($0) && Feature.protecting.contains($0) }
        return lost.isEmpty ? nil : "the run's coordinator had \(lost.joined(separator: ", ")) before, and has not now"
    }

    private func refusalOfCost(_ terms: OfferTerms, _ standing: OwnerStanding) -> PolicyRefusal? {
        guard !terms.isResumed else { return nil }
        let step = OwnerStanding.step(terms.noiseMultiplier)
        if let maximumUpdates {
            // What no epsilon pays for counts, whatever noise it has.
            let left = epsilon == nil ? standing.updates : standing.unprotected
            let isPaidFor = epsilon != nil && step != nil
            guard isPaidFor || left < maximumUpdates else {
                return PolicyRefusal(
                    .maximumUpdates, "\(maximumUpdates)",
                    "as many updates \(epsilon == nil ? "" : "without noise ")have left", here: "\(left)")
            }
        }
        guard let epsilon, let delta else { return nil }
        guard let step else {
            guard maximumUpdates == nil else { return nil }
            return PolicyRefusal(.epsilon, "\(epsilon)", "an update without noise has no finite epsilon")
        }
        let budget = PrivacyBudget(epsilon: epsilon, delta: delta)
        // What cannot be counted is not within any budget.
        guard let admits = try? budget.admits(step, after: standing.steps), admits else {
            let spent = (try? budget.spent(standing.steps)) ?? .infinity
            return PolicyRefusal(
                .epsilon, "\(epsilon)",
                "one more update with noise \(terms.noiseMultiplier) would overspend it at delta \(delta)",
                here: "\(spent) is spent")
        }
        return nil
    }

    private func refusalOfEvaluation(_ standing: OwnerStanding) -> PolicyRefusal? {
        guard metrics.contains(.heldOutLoss) else {
            let allowed = metrics.map(\.rawValue).sorted().joined(separator: ", ")
            return PolicyRefusal(
                .metrics, allowed.isEmpty ? "none" : allowed, "an evaluation tells held-out-loss")
        }
        guard let maximumReports, standing.reports >= maximumReports else { return nil }
        return PolicyRefusal(
            .maximumReports, "\(maximumReports)", "as many evaluations were answered", here: "\(standing.reports)")
    }
}

extension OwnerPolicy {
    func refusal(ofBaseModel identity: ContentHash) -> PolicyRefusal? {
        guard let baseModels, !baseModels.contains(identity) else { return nil }
        return PolicyRefusal(.baseModels, "of \(baseModels.count)", "base model \(identity) is none of them")
    }

    /// Whether single examples can pay for these steps.
    ///
    /// - Parameter spent: What they paid in all runs so far.
    public func refusal(
        ofExampleSteps count: Int, _ step: SampledGaussian, after spent: [SampledGaussian: Int]
    ) -> PolicyRefusal? {
        guard let exampleEpsilon, let delta else { return nil }
        let budget = PrivacyBudget(epsilon: exampleEpsilon, delta: delta)
        let after = (try? budget.spent(spent.merging([step: count], uniquingKeysWith: +))) ?? .infinity
        guard after > exampleEpsilon else { return nil }
        return PolicyRefusal(
            .exampleEpsilon, "\(exampleEpsilon)",
            "\(count) more steps would overspend it at delta \(delta)",
            here: "\((try? budget.spent(spent)) ?? .infinity) is spent, and at rate \(step.samplingRate) it would be "
                + "\(after)")
    }

    /// Whether there is enough text here for a task.
    ///
    /// - Parameter items: Blocks or examples that the task looks at.
    public func refusal(ofItems items: Int, for task: LocalTask.Kind) -> PolicyRefusal? {
        switch task {
        case .train:
            guard let minimumExamples, items < minimumExamples else { return nil }
            return PolicyRefusal(
                .minimumExamples, "\(minimumExamples)", "this worker has fewer to train on", here: "\(items)")
        case .evaluate:
            guard items < metricsMinimumExamples else { return nil }
            return PolicyRefusal(
                .metricsMinimumExamples, "\(metricsMinimumExamples)", "this worker has fewer to evaluate on",
                here: "\(items)")
        }
    }
}
