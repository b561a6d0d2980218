internal import AsyncHTTPClient
internal import ModelFiles
internal import NIOCore
internal import NIOHTTP1
internal import WebServing

/// The larger model that answers for the local one: another OpenAI-compatible API.
package final class RemoteModel: Sendable {
    let settings: RouteSettings
    private let client: HTTPClient

    /// An answer may take this long in all. Unit: seconds.
    private static let answerSecondsMax: Int64 = 300
    /// Of an answer in one piece. Unit: bytes.
    private static let answerBytesMax = 16 << 20

    package init(_ settings: RouteSettings) {
        self.settings = settings
        var configuration = HTTPClient.Configuration()
        // A prompt goes where it was said to go, and nowhere else.
        configuration.redirectConfiguration = .disallow
        // The local model answers in its place, at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .seconds(10)
        configuration.timeout.read = .seconds(120)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Ends its connections; it answers nothing from then on.
    package func close() async {
        // What fails here is a connection that is broken already.
        try? await client.shutdown()
    }

    /// The answer to a request, in one piece.
    func answer(_ request: AnswerRequest) async throws(RemoteError) -> JSONValue {
        let response = try await send(request)
        do {
            let body = try await response.body.collect(upTo: Self.answerBytesMax)
            return try JSONValue(parsing: Array(body.readableBytesView))
        } catch {
            throw .broken("\(error)")
        }
    }

    /// The data of the events of an answer that comes piece by piece, until `[DONE]`.
    func events(_ request: AnswerRequest) async throws(RemoteError) -> RemoteEvents {
        RemoteEvents(body: try await send(request).body)
    }

    private func send(_ request: AnswerRequest) async throws(RemoteError) -> HTTPClientResponse {
        var members = request.members
        members["model"] = .string(settings.model)
        var outgoing = HTTPClientRequest(
            url: settings.url + (request.kind == .chat ? "/chat/completions" : "/completions"))
        outgoing.method = .POST
        outgoing.headers.add(name: "Content-Type", value: "application/json")
        if let token = settings.token { outgoing.headers.add(name: "Authorization", value: token.headerValue) }
        outgoing.body = .bytes(ByteBuffer(bytes: JSONText.encode(.object(members))))
        let response: HTTPClientResponse
        do {
            response = try await client.execute(outgoing, timeout: .seconds(Self.answerSecondsMax))
        } catch {
            throw .unreachable("\(error)")
        }
        guard response.status == .ok else { throw .refused(Int(response.status.code)) }
        return response
    }
}

/// What a remote model's stream brings.
struct RemoteEvents: Sendable {
    fileprivate let body: HTTPClientResponse.Body

    /// Gives each event's data to `body`, until `[DONE]`, which is not given.
    func forEach(_ give: (Substring) async throws -> Void) async throws {
        var lines = EventLines()
        for try await buffer in body {
            for line in try lines.append(buffer.readableBytesView) {
                guard let data = EventLines.data(of: line) else { continue }
                if data == "[DONE]" { return }
                try await give(data)
            }
        }
        throw RemoteError.broken("its stream ended before [DONE]")
    }
}

/// Why a remote model did not answer.
package enum RemoteError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreachable(String)
    case refused(Int)
    case broken(String)
    case tooLong

    package var description: String {
        switch self {
        case .unreachable(let reason): "the remote model cannot be reached: \(reason)"
        case .refused(let status): "the remote model answered with status \(status)"
        case .broken(let reason): "the remote model's answer broke off: \(reason)"
        case .tooLong: "the remote model sent a line over \(EventLines.lineBytesMax) bytes"
        }
    }
}
