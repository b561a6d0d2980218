internal import HTTPTypes
internal import Hummingbird
internal import LanguageModel
internal import Logging
internal import ModelFiles
internal import NIOCore
internal import WebServing

/// One request and its answer: here, or where it is forwarded.
struct AnswerExchange: Sendable {
    let request: AnswerRequest
    let format: AnswerFormat
    let tokenizer: Tokenizer
    let remote: RemoteModel?
    /// The client wants no forwarding.
    let staysHere: Bool
    let logger: Logger
    private let began = ContinuousClock.now

    init(
        request: AnswerRequest, format: AnswerFormat, tokenizer: Tokenizer, remote: RemoteModel?, staysHere: Bool,
        logger: Logger
    ) {
        self.request = request
        self.format = format
        self.tokenizer = tokenizer
        self.remote = remote
        self.staysHere = staysHere
        self.logger = logger
    }

    /// The answer in one piece.
    func whole(_ local: LocalAnswer) async throws -> Response {
        var local = local
        let (note, reply) = try await route(&local) { remote throws(RemoteError) in try await remote.answer(request) }
        if let note, let reply {
            report(note: note)
            return closing(Response(note.added(to: reply)), note)
        }
        var (text, tokens, count) = ("", [NamedToken](), 0)
        var end: Continuation.Ending?
        try await forEach(of: local) { step, named in
            text += step.text
            tokens += named ?? []
            if step.isOfText { count += 1 }
            end = step.ending
        }
        guard let end else { throw CancellationError() }
        let usage = AnswerFormat.Usage(promptTokens: local.promptTokens, completionTokens: count)
        report(end, usage, note: note)
        let json = format.whole(
            text, tokens: request.alternatives.map { _ in tokens }, ending: end, usage: usage, note: note)
        return closing(Response(json), note)
    }

    /// The answer as events.
    func stream(_ local: LocalAnswer, to incoming: Request) async throws -> Response {
        var local = local
        let (note, reply) = try await route(&local) { remote throws(RemoteError) in try await remote.events(request) }
        var headers = HTTPFields()
        headers[.contentType] = "text/event-stream; charset=utf-8"
        headers[.cacheControl] = "no-store"
        let body = ResponseBody { [local] writer in
            try await incoming.body.consumeWithCancellationOnInboundClose { _ in
                if let note, let reply {
                    try await send(reply, note, to: &writer)
                } else {
                    try await send(local, note, to: &writer)
                }
            }
            try await writer.finish(nil)
        }
        return closing(Response(status: .ok, headers: headers, body: body), note)
    }

    /// Decides who answers.
    ///
    /// - Parameter ask: Forwards the request.
    /// - Returns: What the answer tells of that, and the remote model's reply where it is the one.
    private func route<Reply: Sendable>(
        _ local: inout LocalAnswer, _ ask: (RemoteModel) async throws(RemoteError) -> Reply
    ) async throws -> (RouteNote?, Reply?) {
        guard let remote else { return (nil, nil) }
        let least = remote.settings.confidenceMin
        if staysHere { return (RouteNote(servedBy: .local, confidence: nil, confidenceMin: least), nil) }
        let confidence = try await local.awaitConfidence()
        guard remote.settings.forwards(confidence) else {
            return (RouteNote(servedBy: .local, confidence: confidence, confidenceMin: least), nil)
        }
        do throws(RemoteError) {
            let reply = try await ask(remote)
            local.cancel()
            return (RouteNote(servedBy: .remote, confidence: confidence, confidenceMin: least), reply)
        } catch {
            logger.warning("the local model answers in place of the remote one", metadata: ["reason": "\(error)"])
            return (
                RouteNote(servedBy: .local, confidence: confidence, confidenceMin: least, failure: "\(error)"), nil
            )
        }
    }

    private func send(
        _ local: LocalAnswer, _ note: RouteNote?, to writer: inout any ResponseBodyWriter
    ) async throws {
        if let opening = format.opening(note) { try await Self.write(opening, to: &writer) }
        var usage = AnswerFormat.Usage(promptTokens: local.promptTokens, completionTokens: 0)
        try await forEach(of: local) { step, named in
            if step.isOfText { usage.completionTokens += 1 }
            if !step.text.isEmpty || named != nil {
                try await Self.write(format.piece(step.text, tokens: named), to: &writer)
            }
            guard let end = step.ending else { return }
            try await Self.write(format.closing(end), to: &writer)
            report(end, usage, note: note)
        }
        if request.includesUsage { try await Self.write(format.counts(usage), to: &writer) }
        try await Self.writeEnd(to: &writer)
    }

    private func send(
        _ reply: RemoteEvents, _ note: RouteNote, to writer: inout any ResponseBodyWriter
    ) async throws {
        var isFirst = true
        do {
            try await reply.forEach { data in
                guard let value = try? JSONValue(parsing: Array(data.utf8)) else { return }
                try await Self.write(isFirst ? note.added(to: value) : value, to: &writer)
                isFirst = false
            }
        } catch let error as RemoteError {
            logger.warning("a forwarded answer broke off", metadata: ["reason": "\(error)"])
            try await Self.write(RequestProblem(.badGateway, "\(error)", code: "remote_failed").json, to: &writer)
        }
        report(note: note)
        try await Self.writeEnd(to: &writer)
    }

    /// Gives each step to `body`, with the token's name where the client wants probabilities.
    private func forEach(
        of local: LocalAnswer, _ body: (Continuation.Step, [NamedToken]?) async throws -> Void
    ) async throws {
        // A step's own text may be held back for a stop string; where a token begins is certain all the same.
        var text = TokenTextStream(tokenizer, after: local.prompt)
        var offset = 0
        do {
            try await local.forEach { step in
                guard request.alternatives != nil, step.isOfText, let token = step.token else {
                    return try await body(step, nil)
                }
                try await body(step, [NamedToken(token, tokenizer, offset: offset)])
                offset += text.append(token.id).unicodeScalars.count
            }
        } catch {
            local.cancel()
            logger.info("the client left before its answer", metadata: ["model": "\(request.model)"])
            throw error
        }
    }

    private static func write(_ json: JSONValue, to writer: inout any ResponseBodyWriter) async throws {
        let event = ServerSentEvent(String(decoding: JSONText.encode(json), as: UTF8.self))
        try await writer.write(ByteBuffer(string: event.text))
    }

    private static func writeEnd(to writer: inout any ResponseBodyWriter) async throws {
        try await writer.write(ByteBuffer(string: ServerSentEvent("[DONE]").text))
    }

    /// Whether the client is still there is watched on the connection, which serves nothing else from then on.
    private func closing(_ response: Response, _ note: RouteNote?) -> Response {
        var response = response
        response.headers[.connection] = "close"
        if let note { response.headers[.shoalRoute] = note.servedBy.rawValue }
        return response
    }

    /// Never the text.
    private func report(
        _ ending: Continuation.Ending? = nil, _ usage: AnswerFormat.Usage? = nil, note: RouteNote?
    ) {
        let spent = began.duration(to: .now).components
        let milliseconds = spent.seconds * 1000 + spent.attoseconds / 1_000_000_000_000_000
        var metadata: Logger.Metadata = ["model": "\(request.model)", "milliseconds": "\(milliseconds)"]
        if let ending { metadata["ending"] = "\(ending)" }
        if let usage {
            metadata["prompt-tokens"] = "\(usage.promptTokens)"
            metadata["tokens"] = "\(usage.completionTokens)"
        }
        if let note {
            metadata["served-by"] = "\(note.servedBy.rawValue)"
            if let confidence = note.confidence { metadata["confidence"] = "\(confidence)" }
        }
        // That a prompt left this machine is no detail.
        logger.log(level: note?.servedBy == .remote ? .notice : .info, "answered", metadata: metadata)
    }
}

extension Continuation.Step {
    /// Whether it drew a token that is part of the text.
    fileprivate var isOfText: Bool { token != nil && ending != .endToken }
}

extension HTTPField.Name {
    /// Of an answer: who gave it. Of a request: `local` forbids forwarding it.
    static let shoalRoute = Self.known("x-shoal-route")
}
