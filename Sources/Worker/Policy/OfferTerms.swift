internal import FineTuning
public import ModelFiles
internal import Recipe
internal import SecureAggregation
internal import Wire

/// What a task asks of a worker, as its owner's policy looks at it.
public struct OfferTerms: Hashable, Sendable {
    public enum Task: Hashable, Sendable { case train, evaluate }

    public var task: Task
    public var run: String
    public var round: Int
    public var attempt: Int
    /// Of everything that shapes the update: the same round with another one is another question.
    public var configuration: ContentHash
    public var baseModel: ContentHash
    /// CURVE public key of the coordinator, Z85; `nil` where the link proves none.
    public var coordinator: String?
    /// Optimiser steps.
    public var steps: Int
    /// Blocks or examples behind one optimiser step.
    public var batchSize: Int
    /// Unit: tokens.
    public var sequenceLength: Int
    /// The largest norm of the update; `nil`: it is not clipped.
    public var clip: Double?
    /// Standard deviation of the worker's noise over its clip, rounded down to millionths; 0 without noise.
    public var noiseMultiplier: Double
    /// Workers whose masked updates are summed before anything of them can be read; `nil`: updates travel unmasked.
    public var cohort: Int?
    /// Of that cohort, how many may collude with the coordinator and how many may drop out; 0 where updates travel
    /// unmasked. Unit: fraction.
    public var maskCorrupt: Double
    public var maskDropout: Double
    /// Standard deviation of the noise that enough honest workers share under the masks, over the norm it is for, rounded
    /// down to millionths; 0 without.
    public var sharedNoiseMultiplier: Double
    /// Standard deviation of the noise on gradients of single examples over their clip; 0 without.
    public var exampleNoiseMultiplier: Double
    /// Whether the run itself wants no metrics.
    public var withholdsMetrics: Bool
    /// What the coordinator's program said it can do.
    public var features: Set<String>
    /// Whether the update of this very lease was made before and only has to be sent.
    public var isResumed: Bool

    public init(
        task: Task = .train, run: String, round: Int, attempt: Int, configuration: ContentHash,
        baseModel: ContentHash, coordinator: String?, steps: Int, batchSize: Int, sequenceLength: Int,
        clip: Double? = nil, noiseMultiplier: Double = 0, cohort: Int? = nil, maskCorrupt: Double = 0,
        maskDropout: Double = 0,
        sharedNoiseMultiplier: Double = 0, exampleNoiseMultiplier: Double = 0, withholdsMetrics: Bool = false,
        features: Set<String> = [], isResumed: Bool = false
    ) {
        self.task = task
        self.run = run
        self.round = round
        self.attempt = attempt
        self.configuration = configuration
        self.baseModel = baseModel
        self.coordinator = coordinator
        self.steps = steps
        self.batchSize = batchSize
        self.sequenceLength = sequenceLength
        self.clip = clip
        self.noiseMultiplier = noiseMultiplier
        self.cohort = cohort
        self.maskCorrupt = maskCorrupt
        self.maskDropout = maskDropout
        self.sharedNoiseMultiplier = sharedNoiseMultiplier
        self.exampleNoiseMultiplier = exampleNoiseMultiplier
        self.withholdsMetrics = withholdsMetrics
        self.features = features
        self.isResumed = isResumed
    }
}

extension OfferTerms {
    var isClipped: Bool { clip != nil }

    /// - Parameters:
    ///   - envelope: The offer's.
    ///   - run: The session's.
    ///   - features: Of the session's `Welcome`.
    init(
        _ offer: Offer, _ envelope: Envelope, run: String, coordinator: String?, features: Set<String>,
        isResumed: Bool
    ) {
        let training = offer.training
        self.init(
            task: offer.task == .train ? .train : .evaluate, run: run, round: Int(envelope.round),
            attempt: Int(envelope.attempt), configuration: Self.configuration(of: offer, envelope),
            baseModel: offer.baseModel, coordinator: coordinator,
            steps: Self.steps(training, round: Int(envelope.round)),
            batchSize: training.batchSize.multipliedReportingOverflow(by: training.accumulationSteps).partialValue,
            sequenceLength: training.sequenceLength, clip: offer.privacy?.clip,
            noiseMultiplier: Self.noiseMultiplier(offer.privacy),
            cohort: offer.masking?.minimumCohort, maskCorrupt: offer.masking?.corruptFraction ?? 0,
            maskDropout: offer.masking?.dropoutFraction ?? 0,
            sharedNoiseMultiplier: Self.sharedNoiseMultiplier(offer),
            exampleNoiseMultiplier: training.exampleClip == nil ? 0 : training.exampleNoiseMultiplier ?? 0,
            withholdsMetrics: offer.privacy?.withholdsMetrics == true,
            features: features,
            isResumed: isResumed)
    }

    /// Every field of the offer but those that only say when and on which way: a field that a later release adds is in
    /// it by itself.
    private static func configuration(of offer: Offer, _ envelope: Envelope) -> ContentHash {
        var offer = offer
        offer.lease = 1
        offer.leaseMilliseconds = 1
        offer.deadlineMilliseconds = nil
        offer.catchUp = nil
        offer.rolledBack = []
        return ContentHash(
            of: WireCodec.encode(
                Envelope(id: 1, round: envelope.round, attempt: envelope.attempt, message: .offer(offer))))
    }

    /// The steps of a round that move the adapter and stay in it: one that weighs less than a tenth of the heaviest in where
    /// the round ends is none, or a schedule, weight decay or a proximal term could make one step of many.
    ///
    /// A step's weight is how much of its gradient the optimiser's linear part leaves at the end. AdamW's steps are as long
    /// as the rate whatever the gradient, so no proximal term is too weak to undo one with the next: beside it, one stays.
    ///
    /// - Parameter taken: How many of the round's steps a worker takes (``LocalTask/steps(items:)``); `nil`: all.
    static func steps(_ training: TrainingOptions, round: Int, taken: Int? = nil) -> Int {
        let schedule = LearningRateSchedule(training)
        let (before, isTooLarge) = max(0, round - 1).multipliedReportingOverflow(by: training.localSteps)
        guard !isTooLarge, before < Int.max - training.localSteps else { return 0 }
        let rates = (0..<min(taken ?? training.localSteps, 1 << 20)).map { schedule.rate(at: before + $0 + 1) }
        let weights = weights(training, rates)
        guard weights.allSatisfy(\.isFinite), let largest = weights.max() else { return 0 }
        let staying = weights.count { $0 > 0 && $0 >= largest / 10 }
        return training.optimizer == .adamw && training.proximal != nil ? min(1, staying) : staying
    }

    /// How much the end of a round moves with each step's gradient (AdamW: with its direction), from the last step to the
    /// first: `v = m v + g + k (w − w₀); w −= η v`, followed backwards.
    private static func weights(_ training: TrainingOptions, _ rates: [Double]) -> [Double] {
        let isSGD = training.optimizer == .sgd
        let pull = training.weightDecay + (isSGD ? training.proximal ?? 0 : 0)
        let momentum = isSGD ? training.momentum : 0
        // How much the end moves with the adapter's values and with the velocity.
        var (values, velocity) = (1.0, 0.0)
        return rates.reversed().map { rate in
            let gradient = velocity - rate * values
            values += pull * gradient
            velocity = momentum * gradient
            return abs(gradient)
        }
    }

    /// Shared noise goes with a clip too, and with a norm that the clip is within.
    private static func sharedNoiseMultiplier(_ offer: Offer) -> Double {
        guard let noise = offer.masking?.noise, offer.privacy?.clip != nil else { return 0 }
        let shared = SharedNoise(variance: noise.variance, norm: noise.norm, minimumHonest: noise.minimumHonest)
        return (shared.noiseMultiplier * 1e6).rounded(.down) / 1e6
    }

    /// Noise goes with a clip alone: without one there is none, whatever the offer says.
    static func noiseMultiplier(_ privacy: UpdatePrivacy?) -> Double {
        guard let privacy, let clip = privacy.clip, clip > 0, privacy.noiseDeviation > 0 else { return 0 }
        let ratio = privacy.noiseDeviation / clip
        // Where a clip adapts, the ratio differs in its last bits from round to round.
        return ratio.isFinite ? (ratio * 1e6).rounded(.down) / 1e6 : 0
    }
}
