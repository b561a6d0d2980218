import Benchmarking
import FixtureFiles
import Foundation
import ModelFiles
import Tensor
import Testing

@Suite("The training benchmark")
struct TrainBenchmarkTests {
    private let folder = ScratchFolder()

    private func options() -> TrainBenchmark.Options {
        var options = TrainBenchmark.Options()
        options.batch = 2
        options.sequence = 16
        options.rank = 2
        options.threads = 1  // Tests run side by side: thread pools would spin against each other.
        options.steps = 3
        return options
    }

    @Test("its JSON has every key, with figures that belong together")
    func keys() throws {
        let shape = try #require(ModelShape.named("stories260k"))
        let result = try TrainBenchmark(.shape(shape, cache: folder.path), options: options()).run()
        let json = try #require(
            try JSONSerialization.jsonObject(with: try JSONEncoder().encode(result)) as? [String: Any])
        #expect(
            Set(json.keys) == [
                "shape", "dtype", "batch", "sequence", "rank", "threads", "steps", "parameters", "tokensPerSecond",
                "gflops4N", "gemmCeilingGflops", "peakRssMiB", "lossFirst", "lossLast",
            ])
        #expect(result.parameters == 260_032)
        #expect(abs(result.gflops4N / (4e-9 * 260_032 * result.tokensPerSecond) - 1) < 1e-9)
        #expect(result.gemmCeilingGflops.isFinite && result.gemmCeilingGflops > 0)
        #expect(result.peakRssMiB > 1)
        // Random weights know nothing of random tokens: the loss starts near that of an even guess.
        #expect(abs(result.lossFirst - log(512)) < 0.2)
        #expect(result.lossLast < result.lossFirst + 0.2)
    }

    @Test("a model directory stands in for a shape")
    func directory() throws {
        let shape = try #require(ModelShape.named("tiny"))
        let path = try RandomCheckpoint.directory(of: shape, type: .float32, cache: folder.path)
        let result = try TrainBenchmark(.directory(path), options: options()).run()
        #expect(result.shape == path)
        #expect(result.parameters == shape.parameterCount)
    }

    @Test("losses are those of the same seed each time")
    func repeatable() throws {
        let shape = try #require(ModelShape.named("stories260k"))
        // Other tests change the level, and with it the last bits.
        let runs = try KernelLevel.current.whileInUse {
            try (0..<2).map { _ in try TrainBenchmark(.shape(shape, cache: folder.path), options: options()).run() }
        }
        #expect(runs[0].lossFirst == runs[1].lossFirst)
        #expect(runs[0].lossLast == runs[1].lossLast)
    }

    @Test("an encoder classifies, its head trained beside the adapter", arguments: TrainBenchmark.Precision.allCases)
    func encoder(precision: TrainBenchmark.Precision) throws {
        let shape = try #require(ModelShape.named("minilm-l6"))
        var options = options()
        options.precision = precision
        let result = try TrainBenchmark(.shape(shape, cache: folder.path), options: options).run()
        #expect(result.parameters == shape.parameterCount)
        // Two classes, and random weights that know nothing.
        #expect(abs(result.lossFirst - log(2)) < 0.2)
        #expect(result.lossLast.isFinite)
        #expect(result.gemmCeilingGflops.isFinite && result.gemmCeilingGflops > 0)
    }
}
