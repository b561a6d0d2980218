import Foundation
import FoundationNetworking
import Logging
import Monitor
import Testing
import WebServing

/// A monitor on a port of its own, asked over HTTP.
struct MonitorClient {
    let monitor: Monitor

    /// Other suites may keep this process's threads for minutes.
    private static let session: URLSession = {
        let configuration = URLSessionConfiguration.default
        configuration.timeoutIntervalForRequest = 600
        return URLSession(configuration: configuration)
    }()

    init(token: String? = nil) async throws {
        var settings = WebServerSettings(address: try ListenAddress("127.0.0.1:0"))
        settings.farewellSeconds = 600
        settings.token = try token.map { try #require(BearerToken($0)) }
        monitor = try await Monitor.start(
            settings, version: "0.1.0", wallClock: { 1_000 },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func ask(
        _ path: String, method: String = "GET", headers: [String: String] = [:]
    ) async throws -> (status: Int, body: String, answer: HTTPURLResponse) {
        var request = URLRequest(url: try #require(URL(string: monitor.url + path)))
        request.httpMethod = method
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await Self.session.data(for: request)
        let http = try #require(response as? HTTPURLResponse)
        return (http.statusCode, String(decoding: data, as: UTF8.self), http)
    }

    func decode<Answer: Decodable>(_ type: Answer.Type, _ path: String) async throws -> Answer {
        let (status, body, _) = try await ask(path)
        #expect(status == 200, "\(body)")
        return try JSONDecoder().decode(type, from: Data(body.utf8))
    }

    func stop() async { await monitor.stop(EndOfStream(outcome: "finished")) }
}
