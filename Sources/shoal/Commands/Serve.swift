import ArgumentParser
import FineTuning
import Foundation
import LanguageModel
import Logging
import Recipe
import Serving
import Tensor
import WebServing

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer OpenAI's API with a model and adapters over it.",
        discussion: """
            Clients of OpenAI's API name the base model or an adapter as their model; all share one base model in memory.
              shoal serve --model DIR --adapter before=run1/adapters/0001 --adapter after=run1/adapter
              curl http://127.0.0.1:8671/v1/models
            Nothing leaves this machine, unless --route-url is given: then an answer that the local model is not sure of is \
            left to a larger model elsewhere, which gets the whole request. A request with the header x-shoal-route: local \
            is never forwarded.
            """)

    @Option(help: "The base model: a Hugging Face directory, or built-in.")
    var model: String

    @Option(
        help: ArgumentHelp(
            "A PEFT adapter directory, or NAME=DIR to give it a name (default: the folder's own); repeatable.",
            valueName: "dir"))
    var adapter: [NamedAdapter] = []

    @Option(help: "Where to listen: HOST:PORT. Anything but this machine needs a token and a certificate.")
    var listen = "127.0.0.1:8671"

    @Option(help: "A file with the bearer token that clients must send (their API key), mode 0600.")
    var tokenFile: String?

    @Option(help: "A PEM file with the certificate chain, for https.")
    var certificate: String?

    @Option(help: "A PEM file with the certificate's key.")
    var key: String?

    @Option(help: "Threads to compute with (default: all cores).")
    var threads: Int?

    @Option(help: "Precision of the computation: float32, bfloat16.")
    var precision: TrainingOptions.Precision = .float32

    @Option(
        help: ArgumentHelp(
            "How chats are written (default: the model's own template): "
                + "\(ChatTemplateName.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
    var chatTemplate: ChatTemplateName?

    @Option(help: "The most tokens of a prompt and its answer together (default: what the model allows).")
    var context: Int?

    @Option(help: "Answers in the making at a time; each keeps keys and values of its tokens.")
    var parallel = 4

    @Option(help: "Requests that wait beyond those; more are refused (429).")
    var queue = 64

    @OptionGroup(title: "Routing to a larger model") var route: RouteOptions

    @OptionGroup var log: LogOptions

    func validate() throws {
        try NamedAdapter.validate(adapter)
        if (certificate == nil) != (key == nil) {
            throw ValidationError("--certificate and --key belong together: give both")
        }
        for (name, value, range) in [
            ("threads", threads ?? 1, 1...1024), ("context", context ?? 2, 2...1 << 24),
            ("parallel", parallel, 1...1024), ("queue", queue, 0...65_536),
        ] where !range.contains(value) {
            throw ValidationError("--\(name) must be from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    func run() async throws {
        let logger = log.logger("shoal.serve")
        var settings = try webSettings()
        settings.openPaths = ["/healthz"]
        settings.refusal = { RequestProblem($0, $1).response }
        Threads.limit(to: threads ?? ProcessInfo.processInfo.activeProcessorCount)
        let remote = try usingInput { try route.settings().map(RemoteModel.init) }
        let (service, header) = try usingInput {
            let base = try PretrainedModel(
                path: BuiltInModel.resolve(model), options: ModelOptions(precision: precision),
                cache: CacheFolder.weights { logger.warning("\($0)") })
            let models = try servedModels(base)
            let encoder = PromptEncoder(base, chatTemplate: chatTemplate, contextMax: context)
            let engine = GenerationEngine(base, activeMax: parallel, waitingMax: queue)
            let service = ServingService(
                models: models, encoder: encoder, engine: engine, remote: remote, logger: logger,
                now: { Int(Date().timeIntervalSince1970) })
            return (service, ServeHeader.lines(base, models, encoder, precision) + route.lines)
        }
        let (stopped, stop) = AsyncStream<Void>.makeStream()
        let signals = StopSignals { stop.finish() }
        let server: WebServer
        do {
            server = try await WebServer.start(settings, logger: logger, addRoutes: service.addRoutes)
        } catch {
            throw CommandFailure.badInput("\(error)")
        }
        for line in header + ["serves        \(server.url)v1"] { Console.error(line) }
        for await _ in stopped {}
        await server.stop()
        await remote?.close()
        withExtendedLifetime(signals) {}
        throw CommandFailure.interrupted()
    }

    private func webSettings() throws -> WebServerSettings {
        try usingInput {
            let address = try ListenAddress(listen)
            let token = try tokenFile.map { path throws in try BearerToken(file: path) }
            if !address.isLoopback && (token == nil || certificate == nil) {
                throw CommandFailure.badInput(
                    "\(address) can be reached from other machines: give a bearer token (--token-file FILE, mode 0600) "
                        + "and a certificate (--certificate FILE --key FILE), or listen on 127.0.0.1")
            }
            var files: (chain: String, key: String)?
            if let certificate, let key { files = (certificate, key) }
            return WebServerSettings(address: address, token: token, certificate: files)
        }
    }

    private func servedModels(_ base: PretrainedModel) throws -> ServedModels {
        let name = NamedAdapter(argument: model)?.name ?? model
        if adapter.contains(where: { $0.name == name }) {
            throw CommandFailure.badInput("--adapter: the base model is called \(name); name the adapter NAME=DIR")
        }
        return ServedModels(
            base: name, adapters: try adapter.map { ($0.name, try base.adapter(at: $0.directory)) },
            created: Int(Date().timeIntervalSince1970))
    }
}
