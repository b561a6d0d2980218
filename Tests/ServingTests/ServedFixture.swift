import FineTuning
import FixtureFiles
import Foundation
import LanguageModel
import Logging
import ModelFiles
import Randomness
import Recipe
import Serving
import Tensor
import Testing
import WebServing

/// The built-in model with an adapter of random values over it, and what transformers generates with it.
struct ServedFixture {
    static let directory = FixtureFiles.packagePath("Sources/CBuiltIn/files")

    /// One row of `Tests/Fixtures/serving/greedy.json`.
    struct Greedy: Decodable, Sendable, CustomTestStringConvertible {
        let prompt: String
        let promptTokens: [Int32]
        let tokens: [Int32]
        let text: String
        let logProbabilities: [Double]

        var testDescription: String { prompt }

        static func all() throws -> [Greedy] {
            let file = URL(fileURLWithPath: FixtureFiles.path("serving/greedy.json"))
            return try JSONDecoder().decode([Greedy].self, from: Data(contentsOf: file))
        }
    }

    let base: PretrainedModel
    let adapter: LowRankAdapter

    /// Tests run side by side: one thread each.
    init() throws {
        Threads.limit(to: 1)
        base = try PretrainedModel(path: Self.directory)
        let plan = try AdapterPlan(options: AdapterOptions(rank: 2, alpha: 8), model: base.model.linearLayers)
        var random = CounterRandom(key: 9)
        adapter = plan.adapter(
            values: (0..<plan.layout.parameterCount).map { _ in Float(random.uniformDouble() - 0.5) * 0.4 })
    }

    /// Greedy tokens of a whole text computed anew for each one: slow and simple.
    func recomputed(after prompt: [Int32], count: Int, adapter: LowRankAdapter?) -> [Int32] {
        var text = prompt
        while text.count < prompt.count + count {
            let batch = TokenBatch(tokens: text, blocks: 1, length: text.count)
            let logits = Array(base.model.logits(batch, adapter: adapter).suffix(base.model.vocabularySize))
            guard let best = logits.indices.max(by: { logits[$0] < logits[$1] }) else { break }
            if Int32(best) == base.configuration.endToken { break }
            text.append(Int32(best))
        }
        return Array(text[prompt.count...])
    }

    func settings(_ maxTokens: Int, promptPart: Int? = nil) -> Continuation.Settings {
        Continuation.Settings(
            maxTokens: maxTokens, endTokens: Set([base.configuration.endToken].compactMap { $0 }), alternatives: 0,
            promptPart: promptPart)
    }

    /// A running server with the models `small` and `tuned`.
    static func server(
        activeMax: Int = 4, waitingMax: Int = 8, contextMax: Int? = nil, route: RouteSettings? = nil
    ) async throws -> WebServer {
        let fixture = try ServedFixture()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let service = ServingService(
            models: ServedModels(base: "small", adapters: [("tuned", fixture.adapter)], created: 1_700_000_000),
            encoder: PromptEncoder(fixture.base, contextMax: contextMax),
            engine: GenerationEngine(fixture.base, activeMax: activeMax, waitingMax: waitingMax),
            remote: route.map(RemoteModel.init), logger: logger, now: { 1_700_000_001 })
        return try await WebServer.start(
            WebServerSettings(address: try ListenAddress("127.0.0.1:0")), logger: logger, addRoutes: service.addRoutes)
    }
}
