public import Federation
public import FineTuning
public import LanguageModel
internal import Randomness
public import Recipe

/// What each worker would have reached alone: the same start, as many steps as in the run, only its own text.
public struct LocalBaseline {
    /// One worker's text, packed.
    public struct Participant: Sendable {
        public let worker: WorkerName
        public let train: TokenBlocks
        public let test: TokenBlocks

        public init(worker: WorkerName, train: TokenBlocks, test: TokenBlocks) {
            self.worker = worker
            self.train = train
            self.test = test
        }
    }

    private let model: any CausalLanguageModel
    private let initial: LowRankAdapter
    private let options: TrainingOptions
    private let seed: UInt64

    /// - Parameters:
    ///   - initial: The adapter that round 1 of the federation started from.
    ///   - options: The run's training options.
    public init(model: any CausalLanguageModel, initial: LowRankAdapter, options: TrainingOptions, seed: UInt64) {
        self.model = model
        self.initial = initial
        self.options = options
        self.seed = seed
    }

    /// Steps that a worker with so many blocks takes on average over the whole run.
    public static func steps(
        _ options: TrainingOptions, items: Int, rounds: Int, workersPerRound: Int, workers: Int
    ) -> Int {
        max(1, (rounds * options.steps(items: items) * workersPerRound + workers / 2) / workers)
    }

    /// Trains one worker's own adapter, in one go, with a schedule over just these steps.
    public func adapter(of participant: Participant, steps: Int) throws(TrainingError) -> LowRankAdapter {
        var alone = options
        alone.localSteps = steps
        alone.totalSteps = steps
        // Nobody to stay near to.
        alone.proximal = nil
        var adapter = initial
        let stream = { (purpose: StreamKey.Purpose) in
            StreamKey(seed: seed, worker: participant.worker.text, purpose: purpose).generator()
        }
        _ = try LocalTrainer(model: model, options: alone).train(
            &adapter, on: participant.train, after: 0, batches: stream(.batches), dropout: stream(.dropout))
        return adapter
    }
}
