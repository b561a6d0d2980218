import Foundation
import Logging
import Monitor
import Testing
import WebClient
import WebServing

/// A monitor on a port of its own, asked over HTTP.
struct MonitorClient {
    let monitor: Monitor

    init(token: String? = nil) async throws {
        var settings = WebServerSettings(address: try ListenAddress("127.0.0.1:0"))
        settings.farewellSeconds = 600
        settings.token = try token.map { try #require(BearerToken($0)) }
        monitor = try await Monitor.start(
            settings, version: "0.1.0", wallClock: { 1_000 },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func ask(_ path: String, method: String? = nil, headers: [String: String] = [:]) async throws -> WebAnswer {
        try await WebClient.ask(monitor.url + path, method: method, headers: headers)
    }

    func decode<Answer: Decodable>(_ type: Answer.Type, _ path: String) async throws -> Answer {
        let answer = try await ask(path)
        #expect(answer.status == 200, "\(answer.body)")
        return try JSONDecoder().decode(type, from: Data(answer.body.utf8))
    }

    func stop() async { await monitor.stop(EndOfStream(outcome: "finished")) }
}
