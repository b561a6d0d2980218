import HTTPTypes
package import Hummingbird

/// Who is served: the first thing every request meets.
///
/// With a token, whoever carries it, and anybody on the paths that tell nothing. Without one the service listens on
/// loopback alone, where a web page of somebody else could still reach it through the browser of this machine's user:
/// requests that name another host (DNS rebinding), or that change something for another origin, are refused.
package struct WebAccess<Context: RequestContext>: RouterMiddleware {
    private let token: BearerToken?
    private let isLoopback: Bool
    /// Served without a token: what is there is no secret.
    private let openPaths: Set<String>
    private let ownRefusal: (@Sendable (HTTPResponse.Status, String) -> Response)?

    init(
        token: BearerToken?, isLoopback: Bool, openPaths: Set<String>,
        refusal: (@Sendable (HTTPResponse.Status, String) -> Response)? = nil
    ) {
        ownRefusal = refusal
        self.token = token
        self.isLoopback = isLoopback
        self.openPaths = openPaths
    }

    package func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        if let token {
            guard openPaths.contains(request.uri.path) || token.isCarried(by: request.headers[.authorization]) else {
                return refusal(.unauthorized, "this needs the bearer token of the service: Authorization: Bearer TOKEN")
            }
        } else if isLoopback {
            guard isForThisMachine(request) else {
                return refusal(.misdirectedRequest, "this service answers to localhost alone")
            }
        }
        guard request.method == .get || request.method == .head || isFromHere(request) else {
            return refusal(.forbidden, "a page of another origin may change nothing here")
        }
        var response = try await next(request, context)
        response.headers[.xContentTypeOptions] = "nosniff"
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        return response
    }

    private func isForThisMachine(_ request: Request) -> Bool {
        guard let authority = request.head.authority ?? request.headers[.host] else { return false }
        var host = Substring(authority)
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            host = host[..<end].dropFirst()
        } else if let colon = host.lastIndex(of: ":") {
            host = host[..<colon]
        }
        return ListenAddress.isLoopback(host: host.lowercased())
    }

    /// Programs send no `Origin`; a browser does with whatever changes something.
    private func isFromHere(_ request: Request) -> Bool {
        guard let origin = request.headers[.origin] else { return true }
        guard let authority = request.head.authority ?? request.headers[.host] else { return false }
        return origin == "http://" + authority || origin == "https://" + authority
    }

    private func refusal(_ status: HTTPResponse.Status, _ reason: String) -> Response {
        var response = ownRefusal?(status, reason) ?? Response(text: reason + "\n", status: status)
        if status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }
}

extension HTTPField.Name {
    fileprivate static let host = Self.known("Host")
}
