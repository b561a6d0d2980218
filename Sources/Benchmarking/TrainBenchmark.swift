internal import FineTuning
internal import ModelFiles
internal import Randomness
internal import Recipe
internal import Tensor

/// Measures local training: LoRA on every linear layer but the head, AdamW, random tokens. An encoder classifies them, its
/// head trained beside the adapter.
///
/// Model and steps are the worker's own: ``ModelDirectory``, ``LocalTrainer`` and ``ClassificationTrainer``.
public struct TrainBenchmark: Sendable {
    /// The model that is trained.
    public enum Source: Sendable {
        /// Random weights, kept in the folder `cache`.
        case shape(ModelShape, cache: String)
        case directory(String)
    }

    /// What the base model's weights and the activations are computed in.
    public enum Precision: String, Sendable, CaseIterable {
        case float32, bfloat16

        var elementType: ModelFiles.ElementType {
            switch self {
            case .float32: .float32
            case .bfloat16: .bfloat16
            }
        }
    }

    /// How the base model's linear layers are quantised.
    public enum Quantization: String, Sendable, CaseIterable { case int8, nf4 }

    public struct Options: Sendable {
        public var precision = Precision.float32
        /// Blocks a step.
        public var batch = 4
        /// Unit: tokens a block.
        public var sequence = 256
        public var rank = 8
        public var threads = 2
        /// At least 2: the first one warms up and is not timed.
        public var steps = 6
        /// Whether a layer's activations are computed again in the backward pass.
        public var recompute = false
        /// Whether weights are copied into the layout that products like best.
        public var prepack = false
        public var quantization: Quantization?

        public init() {}
    }

    private let source: Source
    private let options: Options
    private static let learningRate = 1e-4
    private static let seed: UInt64 = 0

    public init(_ source: Source, options: Options) {
        precondition(options.batch >= 1 && options.sequence >= 2 && options.rank >= 1, "empty work")
        precondition(options.threads >= 1 && options.steps >= 2, "\(options.steps) steps, \(options.threads) threads")
        self.source = source
        self.options = options
    }

    /// Limits this process to `options.threads` threads and trains.
    public func run() throws -> TrainMeasurement {
        Threads.limit(to: options.threads)
        let (name, path) = try modelDirectory()
        var trained = path
        if let quantization = options.quantization {
            guard case .shape = source else { throw TrainBenchmarkError.quantisedModel }
            trained = try BenchmarkModel.quantised(path, quantization)
            PeakMemory.reset()  // What made the copy is no part of training.
        }
        let model = try BenchmarkModel(trained, options)
        let training = try train(model)
        // Before the replay, which needs memory of its own.
        let peak = try PeakMemory.residentMiB()
        let seconds = training.stepSeconds.median
        let replay = withExtendedLifetime(model) {
            ProductReplay(training.products).medianSeconds(repetitions: training.stepSeconds.count)
        }
        let parameters = try BenchmarkModel.parameterCount(path)
        let tokens = options.batch * options.sequence
        let work = 4e-9 * Double(parameters) * Double(tokens)
        return TrainMeasurement(
            shape: name, dtype: options.precision.rawValue, batch: options.batch, sequence: options.sequence,
            rank: options.rank, threads: options.threads, steps: options.steps, parameters: parameters,
            tokensPerSecond: Double(tokens) / seconds, gflops4N: work / seconds, gemmCeilingGflops: work / replay,
            peakRssMiB: peak, lossFirst: training.losses.first ?? .nan, lossLast: training.losses.last ?? .nan)
    }

    private func modelDirectory() throws -> (name: String, path: String) {
        switch source {
        case .directory(let path):
            (path, path)
        case .shape(let shape, let cache):
            (
                shape.name,
                try RandomCheckpoint.directory(of: shape, type: options.precision.elementType, cache: cache)
            )
        }
    }

    private struct Training {
        var losses: [Double] = []
        /// All steps but the first.
        var stepSeconds: [Double] = []
        /// Of the last step.
        var products: [MatMul.Product] = []
    }

    private func train(_ model: BenchmarkModel) throws -> Training {
        let plan = try model.adapterPlan(
            AdapterOptions(rank: options.rank, alpha: 2 * Double(options.rank)))
        var adapter = plan.initialAdapter(random: stream(.adapterInitialisation))
        var random = stream(.partition)
        let tokens = (0..<options.batch * options.sequence).map { _ in
            Int32(random.index(below: model.vocabularySize))
        }
        let recorder = ProductRecorder()
        var result = Training()
        let clock = ContinuousClock()
        var before = clock.now
        _ = try recorder.recording {
            try model.train(
                &adapter, on: tokens, length: options.sequence,
                options: TrainingOptions(
                    localSteps: options.steps, batchSize: options.batch, sequenceLength: options.sequence,
                    learningRate: Self.learningRate, totalSteps: options.steps, clipNorm: nil),
                batches: stream(.batches), dropout: stream(.dropout)
            ) { progress in
                let now = clock.now
                if progress.step > 1 { result.stepSeconds.append((now - before) / .seconds(1)) }
                result.losses.append(
                    progress.meanLoss * Double(progress.step) - result.losses.reduce(0, +))
                recorder.isOn = progress.step == options.steps - 1
                before = clock.now
                return true
            }
        }
        result.products = recorder.products
        return result
    }

    private func stream(_ purpose: StreamKey.Purpose) -> CounterRandom {
        StreamKey(seed: Self.seed, purpose: purpose).generator()
    }
}
