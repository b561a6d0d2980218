internal import FineTuning
internal import Glibc
internal import LanguageModel
internal import ModelFiles
internal import Randomness
internal import Recipe

/// The model that a benchmark trains, without a tokenizer: its tokens are random.
enum BenchmarkModel {
    case decoder(any CausalLanguageModel)
    case encoder(any SequenceClassifier)

    /// How many classes an encoder tells apart.
    private static let classNames = ["0", "1"]

    /// - Parameter path: A model directory.
    init(_ path: String, _ options: TrainBenchmark.Options) throws {
        let directory = try ModelDirectory(path)
        let precision: ModelOptions.Precision = options.precision == .bfloat16 ? .bfloat16 : .float32
        let modelOptions = ModelOptions(precision: precision, recomputes: options.recompute, prepacks: options.prepack)
        self =
            directory.configuration.isEncoder
            ? .encoder(try directory.loadClassifier(modelOptions, classes: Self.classNames.count))
            : .decoder(try directory.loadModel(modelOptions))
    }

    var vocabularySize: Int {
        switch self {
        case .decoder(let model): model.vocabularySize
        case .encoder(let model): model.vocabularySize
        }
    }

    func adapterPlan(_ options: AdapterOptions) throws(AdapterPlanError) -> AdapterPlan {
        switch self {
        case .decoder(let model): try AdapterPlan(options: options, model: model.linearLayers)
        case .encoder(let model):
            try AdapterPlan(options: options, model: model.linearLayers, savedModules: model.savedModules)
        }
    }

    /// - Parameters:
    ///   - tokens: Whole texts of `length` tokens, one after the other; an encoder's belong to its classes in turn.
    ///   - length: Unit: tokens.
    func train(
        _ adapter: inout LowRankAdapter, on tokens: [Int32], length: Int, options: TrainingOptions,
        batches: CounterRandom, dropout: CounterRandom, progress: (LocalTrainer.Progress) -> Bool
    ) throws {
        switch self {
        case .decoder(let model):
            _ = try LocalTrainer(model: model, options: options).train(
                &adapter, on: TokenBlocks(tokens: tokens, length: length), after: 0, batches: batches,
                dropout: dropout, progress: progress)
        case .encoder(let model):
            let rows = (0..<tokens.count / length).map { DataRow(.text("\($0)"), label: Self.classNames[$0 % 2]) }
            let examples = try ClassificationExamples(
                .rows(rows), labels: Self.classNames, maximumLength: length
            ) { text, _ in
                let start = (Int(text) ?? 0) * length
                return Array(tokens[start..<start + length])
            }
            _ = try ClassificationTrainer(model: model, options: options).train(
                &adapter, on: examples, after: 0, batches: batches, dropout: dropout, progress: progress)
        }
    }
}

// MARK: - The files
extension BenchmarkModel {
    /// The quantised copy of a random model, beside it in the cache and written if it is not there yet.
    static func quantised(_ path: String, _ quantization: TrainBenchmark.Quantization) throws -> String {
        let copy = path + "-" + quantization.rawValue
        if access(copy + "/config.json", F_OK) == 0 { return copy }
        let format: QuantisationFormat =
            switch quantization {
            case .int8: .int8
            case .nf4: .nf4
            }
        _ = try ModelDirectory(path).quantise(to: format, at: copy)
        return copy
    }

    /// Values of all tensors of a checkpoint.
    static func parameterCount(_ path: String) throws -> Int {
        let checkpoint = try Checkpoint(directory: path)
        return try checkpoint.tensorNames.reduce(0) { $0 + (try checkpoint.tensor($1).shape.reduce(1, *)) }
    }
}

public enum TrainBenchmarkError: Error, Hashable, Sendable {
    /// Of a model that is not the benchmark's own.
    case quantisedModel
}

extension TrainBenchmarkError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .quantisedModel:
            "--quantize goes with --shape; for --model, make the copy with shoal quantize and name that one"
        }
    }
}
