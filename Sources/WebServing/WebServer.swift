internal import Glibc
package import HTTPTypes
package import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// How an HTTP service is reached, and by whom.
package struct WebServerSettings: Sendable {
    package var address: ListenAddress
    package var token: BearerToken?
    /// Files with a PEM certificate chain and its key.
    package var certificate: (chain: String, key: String)?
    /// Paths that need no token.
    package var openPaths: Set<String> = []
    /// Connections beyond these wait.
    package var connectionsMax = 256
    /// How long open answers have to end when it stops. Unit: seconds.
    package var farewellSeconds = 2.0
    /// How long a new connection's first request may take to come, without its body. Unit: seconds.
    package var firstRequestSeconds = 10.0
    /// What those read who are not served: `nil` writes the reason as plain text.
    package var refusal: (@Sendable (HTTPResponse.Status, _ reason: String) -> Response)?

    package init(address: ListenAddress, token: BearerToken? = nil, certificate: (chain: String, key: String)? = nil) {
        self.address = address
        self.token = token
        self.certificate = certificate
    }
}

/// A running HTTP service (HTTP/1.1) on one thread of its own.
package final class WebServer: Sendable {
    /// With the port that was chosen.
    package let address: ListenAddress
    package let isEncrypted: Bool
    private let services: ServiceGroup
    private let ended: Task<Void, Never>

    /// Starts to serve, and returns once connections are accepted.
    ///
    /// - Parameter addRoutes: Puts the service's routes behind the check of who may call them.
    /// - Throws: ``WebServingError``
    package static func start(
        _ settings: WebServerSettings, logger: Logger, addRoutes: (Router<BasicRequestContext>) -> Void
    ) async throws(WebServingError) -> WebServer {
        if !settings.address.isLoopback && (settings.token == nil || settings.certificate == nil) {
            throw .needsTokenAndCertificate(settings.address)
        }
        let router = Router()
        router.add(
            middleware: WebAccess<BasicRequestContext>(
                token: settings.token, isLoopback: settings.address.isLoopback, openPaths: settings.openPaths,
                refusal: settings.refusal))
        addRoutes(router)
        return try await WebServer(settings, router, logger)
    }

    private init(
        _ settings: WebServerSettings, _ router: Router<BasicRequestContext>, _ logger: Logger
    ) async throws(WebServingError) {
        let firstRequest = TimeAmount.milliseconds(Int64(1_000 * settings.firstRequestSeconds))
        let plain = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [FirstRequestLimit(firstRequest)], idleTimeout: .seconds(120),
                httpDecoderConfiguration: .init(maxHeaderListSize: 32 << 10)))
        let server = try Self.encrypted(plain, settings.certificate)
        let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let (listening, outcome) = AsyncStream<Result<Int, any Error>>.makeStream()
        let application = Application(
            router: router, server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(settings.address.host, port: settings.address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(settings.connectionsMax)),
            onServerRunning: { outcome.yield(.success($0.localAddress?.port ?? settings.address.port)) },
            eventLoopGroupProvider: .shared(threads), logger: logger)
        var configuration = ServiceGroupConfiguration(services: [application], logger: logger)
        configuration.maximumGracefulShutdownDuration = Duration.seconds(settings.farewellSeconds)
        let services = ServiceGroup(configuration: configuration)
        let ended = Task<Void, Never> {
            do {
                try await services.run()
            } catch {
                outcome.yield(.failure(error))
            }
            outcome.finish()
            do {
                try await threads.shutdownGracefully()
            } catch {
                logger.warning("the threads of the HTTP service did not end: \(error)")
            }
        }
        var first = listening.makeAsyncIterator()
        switch await first.next() {
        case .success(let port):
            var address = settings.address
            address.port = port
            self.address = address
            isEncrypted = settings.certificate != nil
            self.services = services
            self.ended = ended
        case .failure(let error): throw .cannotListen(settings.address, reason: Self.reason(error))
        case nil: throw .cannotListen(settings.address, reason: "the server ended at once")
        }
    }

    /// Where a browser finds it.
    package var url: String { (isEncrypted ? "https://" : "http://") + address.description + "/" }

    /// Ends open answers, and returns once the port is free.
    package func stop() async {
        await services.triggerGracefulShutdown()
        await ended.value
    }

    private static func encrypted(
        _ plain: HTTPServerBuilder, _ certificate: (chain: String, key: String)?
    ) throws(WebServingError) -> HTTPServerBuilder {
        guard let certificate else { return plain }
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificate.chain)
        } catch {
            throw .unreadableCertificate(path: certificate.chain, reason: "\(error)")
        }
        do {
            let key = try NIOSSLPrivateKey(file: certificate.key, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            return try .tls(plain, tlsConfiguration: configuration)
        } catch {
            throw .unreadableCertificate(path: certificate.key, reason: "\(error)")
        }
    }

    private static func reason(_ error: any Error) -> String {
        (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
    }
}
