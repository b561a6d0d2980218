public import ArgumentParser
public import Benchmarking

struct BenchTrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Measure local training of a model with random weights.",
        discussion: "The model is written once to a cache folder; the largest shape takes 4.4 GB in float32.")

    @Option(help: "Which model's sizes.")
    var shape: ModelShape?

    @Option(help: "A Hugging Face directory in place of --shape.")
    var model: String?

    @Option(help: "Type of the base model's weights and of the computation: float32, bfloat16.")
    var dtype = TrainBenchmark.Precision.float32

    @Option(help: "Blocks a step.")
    var batch = 4

    @Option(help: "Tokens a block.")
    var sequence = 256

    @Option(help: "The adapter's rank.")
    var rank = 8

    @Option(help: "Threads to compute with.")
    var threads = 2

    @Option(help: "Steps; the first one is not timed.")
    var steps = 6

    @Flag(help: "Compute activations again in the backward pass instead of keeping them.")
    var recompute = false

    @Flag(help: "Lay the weights out for products once: faster, for more memory.")
    var prepack = false

    @Option(help: "Quantise the base model: int8, nf4.")
    var quantize: TrainBenchmark.Quantization?

    @Option(help: "Folder for random models (default: shoal/bench in the user's cache folder).")
    var cache: String?

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        if (shape == nil) == (model == nil) { throw ValidationError("give either --shape or --model") }
        if prepack, quantize != nil {
            throw ValidationError("--prepack is for weights that are not quantised; leave it or --quantize out")
        }
        for (name, value, range) in [
            ("batch", batch, 1...65_536), ("sequence", sequence, 2...1_048_576), ("rank", rank, 1...65_536),
            ("threads", threads, 1...1024), ("steps", steps, 2...1_000_000),
        ] where !range.contains(value) {
            throw ValidationError("--\(name) must be from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    func run() throws {
        let result = try usingInput { try TrainBenchmark(try source(), options: options).run() }
        if json {
            try JSONLine.print(result)
        } else {
            for line in Self.lines(result) { Console.output(line) }
        }
    }

    private func source() throws -> TrainBenchmark.Source {
        if let shape { return .shape(shape, cache: cache ?? CacheFolder.path + "/bench") }
        return .directory(try BuiltInModel.resolve(model ?? ""))
    }

    private var options: TrainBenchmark.Options {
        var options = TrainBenchmark.Options()
        options.precision = dtype
        options.batch = batch
        options.sequence = sequence
        options.rank = rank
        options.threads = threads
        options.steps = steps
        options.recompute = recompute
        options.prepack = prepack
        options.quantization = quantize
        return options
    }

    private static func lines(_ result: TrainMeasurement) -> [String] {
        var table = TextTable(alignment: .left)
        table.add("model", "\(result.shape), \(Quantity.count(result.parameters)) parameters, \(result.dtype)")
        table.add(
            "work",
            "\(result.batch) × \(result.sequence) tokens a step, rank \(result.rank), \(result.threads) "
                + "thread\(result.threads == 1 ? "" : "s")")
        table.add("speed", "\(Quantity.fixed(result.tokensPerSecond, digits: 1)) tokens/s")
        table.add(
            "rate",
            "\(Quantity.fixed(result.gflops4N, digits: 1)) GFLOP/s; its matrix products alone "
                + "\(Quantity.fixed(result.gemmCeilingGflops, digits: 1))")
        table.add("peak memory", "\(Quantity.fixed(result.peakRssMiB, digits: 0)) MiB")
        table.add("loss", "\(Quantity.loss(result.lossFirst)) at first, \(Quantity.loss(result.lossLast)) at last")
        return table.lines
    }
}

extension ModelShape: ExpressibleByArgument {
    public init?(argument: String) {
        guard let shape = ModelShape.named(argument) else { return nil }
        self = shape
    }

    public static var allValueStrings: [String] { all.map(\.name) }
}

extension TrainBenchmark.Precision: ExpressibleByArgument {}
extension TrainBenchmark.Quantization: ExpressibleByArgument {}
