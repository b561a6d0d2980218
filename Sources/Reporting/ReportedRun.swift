/// What a report shows of a run: plain values, so that one page renders running, paused, finished and archived runs alike.
public struct ReportedRun: Sendable {
    /// A published round.
    public struct Round: Sendable {
        public var number: Int
        /// 2 after one rollback.
        public var attempt: Int
        /// Unit: seconds since 1970.
        public var openedAt: Int64
        public var publishedAt: Int64
        /// From first offer to publication.
        public var seconds: Double
        /// Updates that counted; `nil` where participation is secret, as are all counts of bytes and tokens.
        public var workers: Int?
        /// Unit: nats a token.
        public var trainLoss: Double?
        public var evaluation: Evaluation?
        /// Cumulative, before encryption.
        public var uplinkBytes: UInt64?
        public var downlinkBytes: UInt64?
        /// What the updates so far would have been as plain float32, cumulative.
        public var denseUplinkBytes: UInt64?
        public var tokens: UInt64?
        /// Unit: versions; `nil` where the schedule is synchronous.
        public var staleness: Double?
        /// Of all its workers; `nil` where nobody told. Unit: joules.
        public var energy: Double?
        /// Whether all of it was read from counters, and nothing estimated.
        public var isEnergyMeasured = false

        public init(number: Int, attempt: Int, openedAt: Int64, publishedAt: Int64, seconds: Double) {
            self.number = number
            self.attempt = attempt
            self.openedAt = openedAt
            self.publishedAt = publishedAt
            self.seconds = seconds
        }
    }

    public struct Evaluation: Hashable, Sendable {
        /// Unit: nats a token.
        public var loss: Double
        /// Of `loss`; not finite where there is none.
        public var standardError: Double
        public var accuracy: Double?
        /// Of the tenth of the workers that it serves worst; `nil` where workers do not evaluate.
        public var worstDecile: Double?

        public init(loss: Double, standardError: Double, accuracy: Double?, worstDecile: Double? = nil) {
            self.loss = loss
            self.standardError = standardError
            self.accuracy = accuracy
            self.worstDecile = worstDecile
        }
    }

    /// An attempt that the quality gate turned back.
    public struct Rollback: Sendable {
        public var round: Int
        public var attempt: Int
        /// `nil` where it was not finite.
        public var loss: Double?
        /// What it was held against.
        public var reference: Double
        public var tolerance: Double

        public init(round: Int, attempt: Int, loss: Double?, reference: Double, tolerance: Double) {
            self.round = round
            self.attempt = attempt
            self.loss = loss
            self.reference = reference
            self.tolerance = tolerance
        }
    }

    public struct Worker: Sendable {
        public var name: String
        public var updates: Int
        public var failures: Int
        /// Blocks or examples.
        public var items: UInt64
        /// `nil` where withheld.
        public var tokens: UInt64?
        /// Its first and its newest update's; `nil` where withheld. Unit: nats a token.
        public var firstLoss: Double?
        public var lastLoss: Double?
        /// On its own held-out text, with the first and the newest adapter that it evaluated; `nil`: not two of them.
        public var heldOut: (before: OwnLoss, after: OwnLoss)?
        /// 0 to 1, 0.5 like anybody; `nil` without robust rules.
        public var suspicion: Double?
        public var isRevoked: Bool
        /// Unit: joules.
        public var energy: Double?
        /// Whether all of it was read from counters, and nothing estimated.
        public var isEnergyMeasured = false

        public init(
            name: String, updates: Int, failures: Int, items: UInt64, tokens: UInt64?, firstLoss: Double?,
            lastLoss: Double?, suspicion: Double?, isRevoked: Bool, energy: Double? = nil
        ) {
            self.name = name
            self.updates = updates
            self.failures = failures
            self.items = items
            self.tokens = tokens
            self.firstLoss = firstLoss
            self.lastLoss = lastLoss
            self.suspicion = suspicion
            self.isRevoked = isRevoked
            self.energy = energy
        }
    }

    /// What a worker found on its own held-out text.
    public struct OwnLoss: Hashable, Sendable {
        /// Whose adapter; 0 is the model before the first round.
        public var round: Int
        /// Unit: nats a token.
        public var loss: Double

        public init(round: Int, loss: Double) {
            self.round = round
            self.loss = loss
        }
    }

    /// How an update of the newest round came. Unit: seconds since the round was opened.
    public struct Arrival: Sendable {
        public var worker: String
        /// When it was recorded.
        public var seconds: Double
        /// When it was offered to its worker, and when that answered; `nil`: not known, as is the next.
        public var offered: Double?
        public var answered: Double?
        /// When its worker began to send it.
        public var sent: Double?
        /// What training took, as the worker told. Unit: seconds.
        public var trainingSeconds: Double?

        public init(worker: String, seconds: Double) {
            self.worker = worker
            self.seconds = seconds
        }
    }

    public struct Privacy: Sendable {
        public var mechanism: String
        public var epsilon: Double
        public var delta: Double
        public var epsilonSpent: Double
        public var stepsLeft: Int
        /// The noise came from a seed.
        public var isSimulation: Bool

        public init(
            mechanism: String, epsilon: Double, delta: Double, epsilonSpent: Double, stepsLeft: Int, isSimulation: Bool
        ) {
            self.mechanism = mechanism
            self.epsilon = epsilon
            self.delta = delta
            self.epsilonSpent = epsilonSpent
            self.stepsLeft = stepsLeft
            self.isSimulation = isSimulation
        }
    }

    public struct Fact: Sendable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public var id: String
    /// `running`, `idle`, `paused`, `stopped` or `finished`.
    public var state: String
    /// What is waited for; `nil` for nothing.
    public var waitingFor: String?
    public var plannedRounds: Int?
    /// Central privacy: nothing about who took part, or how many.
    public var hidesParticipation: Bool
    public var base: Evaluation?
    public var rounds: [Round] = []
    public var rollbacks: [Rollback] = []
    /// How much worse a round may be; `nil` without a gate. Unit: nats a token.
    public var gateTolerance: Double?
    /// Empty where participation is secret.
    public var workers: [Worker] = []
    public var arrivals: [Arrival] = []
    public var privacy: Privacy?
    /// The run's settings in words.
    public var settings: [Fact] = []
    /// Hashes, keys, records.
    public var provenance: [Fact] = []
    /// Newest last: when, and what.
    public var events: [Fact] = []
    /// When the report was made, and by which release.
    public var madeAt: String
    public var software: String

    public init(id: String, state: String, hidesParticipation: Bool, madeAt: String, software: String) {
        self.id = id
        self.state = state
        self.hidesParticipation = hidesParticipation
        self.madeAt = madeAt
        self.software = software
    }

    /// The newest evaluation of a published round.
    var lastEvaluation: (round: Int, evaluation: Evaluation)? {
        rounds.last { $0.evaluation != nil }.flatMap { round in round.evaluation.map { (round.number, $0) } }
    }

    /// Of all rounds that somebody told of. Unit: joules.
    var energy: Double? {
        let known = rounds.compactMap(\.energy)
        return known.isEmpty ? nil : known.reduce(0, +)
    }

    /// Whether all of ``energy`` was read from counters, and nothing estimated.
    var isEnergyMeasured: Bool { rounds.allSatisfy { $0.energy == nil || $0.isEnergyMeasured } }
}
