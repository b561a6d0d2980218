import Benchmarking
import FixtureFiles
import Foundation
import LanguageModel
import ModelFiles
import Testing

/// Against `Tests/Fixtures/model-shapes`, which `make.py` there wrote with transformers.
@Suite("Model shapes")
struct ModelShapeTests {
    struct Expected: Decodable {
        let parameters: Int
        let listing: String
    }

    private static func expected() throws -> [String: Expected] {
        let text = try Data(contentsOf: URL(fileURLWithPath: FixtureFiles.path("model-shapes/shapes.json")))
        return try JSONDecoder().decode([String: Expected].self, from: text)
    }

    @Test("each has the tensors that transformers gives it", arguments: ModelShape.all)
    func tensors(_ shape: ModelShape) throws {
        let expected = try #require(try Self.expected()[shape.name])
        #expect(shape.parameterCount == expected.parameters)
        let listing = shape.tensors.map { tensor in
            "\(tensor.name) \(tensor.shape.map(String.init).joined(separator: "x"))\n"
        }
        var hasher = ContentHash.Hasher()
        hasher.update(Array(listing.joined().utf8))
        #expect(hasher.finished().description == expected.listing)
    }

    @Test("the published models' own counts")
    func publishedCounts() {
        #expect(ModelShape.named("smollm2-135m")?.parameterCount == 134_515_008)
        #expect(ModelShape.named("smollm2-360m")?.parameterCount == 361_821_120)
        #expect(ModelShape.named("qwen2.5-0.5b")?.parameterCount == 494_032_768)
        #expect(ModelShape.named("tinyllama-1.1b")?.parameterCount == 1_100_048_384)
        #expect(ModelShape.named("no such model") == nil)
    }
}
