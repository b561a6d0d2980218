package import WebServing

/// Where requests go whose answer the local model is not sure of.
package struct RouteSettings: Sendable {
    /// The remote API's base, such as `https://models.example.org/v1`, without a slash at its end.
    package let url: String
    /// The model's name there.
    package let model: String
    package let token: BearerToken?
    /// Answers below it are forwarded; from 0 to 1.
    package let confidenceMin: Double
    /// The first tokens of an answer, which the decision rests on.
    package let tokens: Int

    /// - Throws: ``RouteError``
    package init(
        url: String, model: String, token: BearerToken? = nil, confidenceMin: Double = 0.5, tokens: Int = 16
    ) throws(RouteError) {
        precondition((0...1).contains(confidenceMin) && tokens >= 1, "\(confidenceMin), \(tokens) tokens")
        var url = url[...]
        while url.hasSuffix("/") { url.removeLast() }
        try Self.check(String(url))
        self.url = String(url)
        self.model = model
        self.token = token
        self.confidenceMin = confidenceMin
        self.tokens = tokens
    }

    /// Whether an answer of this confidence is forwarded.
    package func forwards(_ confidence: Double) -> Bool { confidence < confidenceMin }

    private static func check(_ url: String) throws(RouteError) {
        let isEncrypted = url.hasPrefix("https://")
        guard isEncrypted || url.hasPrefix("http://") else { throw .notAnAddress(url) }
        let authority = url.dropFirst(isEncrypted ? 8 : 7).prefix { $0 != "/" }
        let isPlain = !url.contains { "?#".contains($0) || $0.isWhitespace }
        guard !authority.isEmpty, !authority.contains("@"), isPlain else { throw .notAnAddress(url) }
        if isEncrypted { return }
        let address = try? ListenAddress(authority.contains(":") ? String(authority) : authority + ":80")
        guard address?.isLoopback == true else { throw .notEncrypted(url) }
    }
}

package enum RouteError: Error, Hashable, Sendable, CustomStringConvertible {
    case notAnAddress(String)
    case notEncrypted(String)

    package var description: String {
        switch self {
        case .notAnAddress(let url):
            "'\(url)' is no address of an OpenAI-compatible API; write https://HOST/v1, as clients call its base URL"
        case .notEncrypted(let url):
            "\(url) would carry prompts unencrypted over a network; write https://, or route to a server on localhost"
        }
    }
}
