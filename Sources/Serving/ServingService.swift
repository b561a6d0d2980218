internal import Foundation
package import Hummingbird
internal import LanguageModel
package import Logging
internal import ModelFiles
internal import NIOCore

/// Answers OpenAI's API for one base model and its adapters.
package final class ServingService: Sendable {
    let models: ServedModels
    let encoder: PromptEncoder
    let engine: GenerationEngine
    /// `nil`: every answer is made here.
    let remote: RemoteModel?
    let logger: Logger
    /// Unit: seconds since 1970.
    private let now: @Sendable () -> Int

    /// Larger requests are refused.
    package static let requestBytesMax = 1 << 20
    /// Tokens of a prompt that one step reads: how long others wait for a long prompt.
    private static let promptPart = 64
    /// The most tokens of a continued text, where the client says nothing: as OpenAI's.
    private static let textTokens = 16

    package init(
        models: ServedModels, encoder: PromptEncoder, engine: GenerationEngine, remote: RemoteModel?, logger: Logger,
        now: @escaping @Sendable () -> Int
    ) {
        self.models = models
        self.encoder = encoder
        self.engine = engine
        self.remote = remote
        self.logger = logger
        self.now = now
    }

    package func addRoutes(to router: Router<BasicRequestContext>) {
        router.add(middleware: ProblemAnswers())
        router.get("healthz") { _, _ in "ok" }
        router.get("v1/models") { [models] _, _ in Response(models.list) }
        router.get("v1/models/{model}") { [models] _, context in
            // Clients write a name into the path as a browser would.
            let name = try context.parameters.require("model")
            return Response(try models.description(of: name.removingPercentEncoding ?? name))
        }
        router.post("v1/chat/completions") { [self] request, _ in try await answer(request, .chat) }
        router.post("v1/completions") { [self] request, _ in try await answer(request, .text) }
    }

    private func answer(_ incoming: Request, _ kind: AnswerKind) async throws -> Response {
        var incoming = incoming
        let body = try await incoming.collectBody(upTo: Self.requestBytesMax)
        let request = try AnswerRequest(kind, Array(body.readableBytesView))
        let staysHere = incoming.headers[.shoalRoute] == RouteNote.Server.local.rawValue
        let answer = try start(request, routing: staysHere ? nil : remote?.settings)
        let format = AnswerFormat(
            kind: kind, id: Self.newID(kind), model: request.model, created: now())
        let exchange = AnswerExchange(
            request: request, format: format, tokenizer: encoder.tokenizer, remote: remote, staysHere: staysHere,
            logger: logger)
        if request.streams { return try await exchange.stream(answer, to: incoming) }
        return try await incoming.body.consumeWithCancellationOnInboundClose { _ in try await exchange.whole(answer) }
    }

    /// Puts the request in line on this machine.
    private func start(_ request: AnswerRequest, routing: RouteSettings?) throws(RequestProblem) -> LocalAnswer {
        let adapter = try models.adapter(of: request.model)
        let prompt = try encoder.encode(request)
        let rest = encoder.contextLength - prompt.tokens.count
        let usual = request.kind == .chat ? rest : min(Self.textTokens, rest)
        let text = Continuation(
            of: prompt.tokens, tokenizer: encoder.tokenizer,
            Continuation.Settings(
                maxTokens: request.maxTokens ?? usual, stops: prompt.stops, endTokens: prompt.endTokens,
                sampling: request.sampling, seed: request.seed ?? UInt64.random(in: 0...UInt64.max),
                alternatives: request.alternatives ?? (routing == nil ? nil : 0), promptPart: Self.promptPart))
        let generation = try engine.start(text, adapter: adapter, holdAfter: routing?.tokens)
        return LocalAnswer(generation, of: prompt.tokens)
    }

    private static func newID(_ kind: AnswerKind) -> String {
        let number = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        return (kind == .chat ? "chatcmpl-" : "cmpl-") + String(repeating: "0", count: 16 - number.count) + number
    }
}
