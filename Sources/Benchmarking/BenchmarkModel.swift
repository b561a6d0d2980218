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
    case unsupportedArchitecture(shape: String, name: String, supported: [String])
}

extension TrainBenchmarkError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unavailable(let option):
            "\(option) is not available in this build, leave it out"
        case .unsupportedArchitecture(let shape, let name, let supported):
            "the shape \(shape) is of the architecture \(name), which this build does not train; it trains "
                + supported.joined(separator: ", ")
        }
    }
}
