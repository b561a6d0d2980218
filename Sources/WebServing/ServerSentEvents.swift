import HTTPTypes
package import Hummingbird
import ServiceLifecycle

/// One message of a `text/event-stream` answer.
package struct ServerSentEvent: Hashable, Sendable {
    /// `nil`: the plain `message` event.
    package var name: String?
    package var data: String
    /// Tells the client nothing, and whoever stands between that the connection is in use.
    package static let keepAlive = ServerSentEvent(comment: "keep-alive")
    private var isComment = false

    package init(_ data: String, name: String? = nil) {
        self.data = data
        self.name = name
    }

    private init(comment: String) {
        data = comment
        isComment = true
    }

    /// Each line of the data is a field of its own, so no data can end the message early.
    package var text: String {
        let lines = data.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
        if isComment { return lines.map { ": \($0)\n" }.joined() + "\n" }
        return (name.map { "event: \($0)\n" } ?? "") + lines.map { "data: \($0)\n" }.joined() + "\n"
    }
}

extension Response {
    /// Sends events as they come, until they end, the client leaves, or the service stops.
    package static func events<Events: AsyncSequence & Sendable>(_ events: Events) -> Response
    where Events.Element == ServerSentEvent {
        var headers = HTTPFields()
        headers[.contentType] = "text/event-stream; charset=utf-8"
        headers[.cacheControl] = "no-store"
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                for try await event in events.cancelOnGracefulShutdown() {
                    try await writer.write(ByteBuffer(string: event.text))
                }
                try await writer.finish(nil)
            })
    }
}
