import FixtureFiles
import LanguageModel
import ModelFiles
import Tensor
import Testing

/// One case of `Tests/Fixtures/llama`, made by `make.py` there with transformers and peft.
struct LlamaFixture: Sendable, CustomTestStringConvertible {
    static let all = ["gqa", "mha", "mqa", "biased"].map(LlamaFixture.init)

    let name: String
    var testDescription: String { name }
    var directory: String { FixtureFiles.path("llama/" + name) }

    init(_ name: String) { self.name = name }

    /// Tests run side by side: one thread each.
    func model() throws -> any CausalLanguageModel {
        Threads.limit(to: 1)
        return try ModelDirectory(directory).loadModel()
    }

    func adapter(for model: any CausalLanguageModel) throws -> LowRankAdapter {
        let (configuration, layout, values) = try AdapterDirectory.read(directory + "/adapter")
        return try LowRankAdapter(
            binding: layout, values: values, scale: Float(configuration.scale), to: model.linearLayers)
    }

    func expected() throws -> SafetensorsFile { try SafetensorsFile(path: directory + "/expected.safetensors") }

    func expected(_ tensor: String) throws -> [Float] { try #require(try expected().tensor(tensor)).float32Values() }

    func batch() throws -> TokenBatch {
        let tokens = try #require(try expected().tensor("tokens"))
        return TokenBatch(
            tokens: try tokens.float32Values().map { Int32($0) }, blocks: tokens.shape[0], length: tokens.shape[1])
    }
}

/// The largest absolute difference; infinite for NaN and where the counts differ.
func largestDifference(_ left: [Float], _ right: [Float]) -> Float {
    guard left.count == right.count, !left.contains(where: \.isNaN) else { return .infinity }
    return zip(left, right).map { ($0 - $1).magnitude }.max() ?? 0
}

/// ‖left − right‖ / ‖right‖
func relativeDistance(_ left: some Collection<Float>, _ right: some Collection<Float>) -> Double {
    guard left.count == right.count else { return .infinity }
    let distance = zip(left, right).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    let length = right.reduce(0.0) { $0 + Double($1) * Double($1) }
    return (distance / length).squareRoot()
}
