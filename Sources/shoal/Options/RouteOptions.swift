import ArgumentParser
import Serving
import WebServing

/// Where `shoal serve` forwards requests that the local model is not sure of.
struct RouteOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Forward requests whose answer the local model is not sure of to the OpenAI-compatible API at this base "
                + "URL, https://HOST/v1. Their prompts leave this machine. Off unless given.", valueName: "url"))
    var routeURL: String?

    @Option(help: "The model's name there.")
    var routeModel: String?

    @Option(help: "A file with the API key for it, mode 0600.")
    var routeTokenFile: String?

    @Option(
        help: """
            Forward below this confidence, from 0 to 1: the mean probability that the local model gave to the first \
            tokens of its own answer.
            """)
    var routeConfidence = 0.5

    @Option(help: "How many first tokens that is.")
    var routeTokens = 16

    func validate() throws {
        if (routeURL == nil) != (routeModel == nil) {
            throw ValidationError("--route-url and --route-model belong together: give both")
        }
        if routeURL == nil, routeTokenFile != nil { throw ValidationError("--route-token-file needs --route-url") }
        if !(0...1).contains(routeConfidence) { throw ValidationError("--route-confidence must be from 0 to 1") }
        if !(1...1024).contains(routeTokens) { throw ValidationError("--route-tokens must be from 1 to 1024") }
    }

    /// `nil`: nothing is forwarded.
    func settings() throws -> RouteSettings? {
        guard let routeURL, let routeModel else { return nil }
        let token = try routeTokenFile.map { path throws in try BearerToken(foreignFile: path) }
        return try RouteSettings(
            url: routeURL, model: routeModel, token: token, confidenceMin: routeConfidence, tokens: routeTokens)
    }

    /// What a person who starts the server must know.
    var lines: [String] {
        guard let routeURL, let routeModel else { return ["routing       off: no prompt leaves this machine"] }
        return [
            "routing       answers below confidence \(routeConfidence) (mean probability of their first \(routeTokens) tokens) "
                + "come from \(routeModel) at \(routeURL)",
            "              THEIR PROMPTS LEAVE THIS MACHINE; the header x-shoal-route: local keeps a request here",
        ]
    }
}
