internal import Glibc
internal import LanguageModel
internal import ModelFiles

/// The one place where a benchmark's options become the engine's.
enum BenchmarkModel {
    /// Refuses, before anything is written or loaded, what the engine cannot do: a figure must be of what was asked.
    static func requireAvailable(_ options: TrainBenchmark.Options) throws(TrainBenchmarkError) {
        if options.prepack { throw .unavailable(option: "--prepack") }
    }

    static func requireAvailable(_ shape: ModelShape) throws(TrainBenchmarkError) {
        let supported = ModelConfiguration.supportedArchitectures
        guard supported.contains(shape.family.rawValue) else {
            throw .unsupportedArchitecture(shape: shape.name, name: shape.family.rawValue, supported: supported)
        }
    }

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

    static func load(_ path: String, _ options: TrainBenchmark.Options) throws -> any CausalLanguageModel {
        try ModelDirectory(path).loadModel(
            ModelOptions(
                precision: options.precision == .bfloat16 ? .bfloat16 : .float32, recomputes: options.recompute))
    }

    /// Values of all tensors of a checkpoint.
    static func parameterCount(_ path: String) throws -> Int {
        let checkpoint = try Checkpoint(directory: path)
        return try checkpoint.tensorNames.reduce(0) { $0 + (try checkpoint.tensor($1).shape.reduce(1, *)) }
    }
}

public enum TrainBenchmarkError: Error, Hashable, Sendable {
    /// As the command line names it.
    case unavailable(option: String)
    /// Of a model that is not the benchmark's own.
    case quantisedModel
    case unsupportedArchitecture(shape: String, name: String, supported: [String])
}

extension TrainBenchmarkError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unavailable(let option):
            "\(option) is not available in this build, leave it out"
        case .quantisedModel:
            "--quantize goes with --shape; for --model, make the copy with shoal quantize and name that one"
        case .unsupportedArchitecture(let shape, let name, let supported):
            "the shape \(shape) is of the architecture \(name), which this build does not train; it trains "
                + supported.joined(separator: ", ")
        }
    }
}
