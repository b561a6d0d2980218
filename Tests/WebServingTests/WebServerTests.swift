import HTTPTypes
import Hummingbird
import Logging
import Testing
import WebClient
import WebServing

@Suite("HTTP services")
struct WebServerTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let secret = "0123456789abcdef"

    private func start(_ change: (inout WebServerSettings) -> Void = { _ in }) async throws -> WebServer {
        var settings = WebServerSettings(address: try ListenAddress("127.0.0.1:0"))
        change(&settings)
        return try await WebServer.start(settings, logger: logger) { router in
            router.get("open") { _, _ in "open" }
            router.get("data") { _, _ in "data" }
            router.post("change") { _, _ in "changed" }
            router.get("events") { _, _ in
                Response.events(
                    AsyncStream { stream in
                        for number in 1...3 { stream.yield(ServerSentEvent("\(number)", name: "count")) }
                        stream.finish()
                    })
            }
        }
    }

    private func ask(
        _ server: WebServer, _ path: String, method: String? = nil, headers: [String: String] = [:]
    ) async throws -> WebAnswer {
        try await WebClient.ask(server.url + path, method: method, headers: headers)
    }

    @Test func withoutATokenItServesThisMachine() async throws {
        let server = try await start()
        #expect(server.address.port != 0 && server.url == "http://\(server.address)/")
        let answer = try await ask(server, "data")
        #expect(answer.status == 200 && answer.body == "data")
        #expect(answer.header("X-Content-Type-Options") == "nosniff")
        #expect(try await ask(server, "nowhere").status == 404)
        #expect(try await ask(server, "change", method: "POST").body == "changed")
        await server.stop()
    }

    @Test func aConnectionWhoseFirstRequestDoesNotComeIsClosed() async throws {
        let server = try await start { $0.firstRequestSeconds = 0.2 }
        let connection = try #require(RawConnection(port: server.address.port))
        connection.send("GET /data HTTP/1.1\r\nHost: localhost\r\n")
        // Ends once the server closes; without that, never.
        #expect(connection.receive(1).isEmpty)
        #expect(try await ask(server, "data").status == 200)
        await server.stop()
    }

    @Test func aPageOfAnotherOriginReachesNothing() async throws {
        let server = try await start()
        // DNS rebinding: the browser connects here in another name.
        #expect(try await ask(server, "data", headers: ["Host": "evil.example"]).status == 421)
        #expect(try await ask(server, "data", headers: ["Host": "127.0.0.1.evil.example:80"]).status == 421)
        #expect(try await ask(server, "data", headers: ["Host": "localhost:1"]).status == 200)
        #expect(
            try await ask(server, "change", method: "POST", headers: ["Origin": "http://evil.example"]).status == 403)
        #expect(try await ask(server, "change", method: "POST", headers: ["Origin": "null"]).status == 403)
        #expect(
            try await ask(server, "change", method: "POST", headers: ["Origin": "http://\(server.address)"]).status
                == 200)
        await server.stop()
    }

    @Test func withATokenItServesWhoeverCarriesItAndOpenPathsToAll() async throws {
        let token = try #require(BearerToken(secret))
        let server = try await start {
            $0.token = token
            $0.openPaths = ["/open"]
        }
        #expect(try await ask(server, "open").status == 200)
        let refused = try await ask(server, "data")
        #expect(refused.status == 401 && refused.header("WWW-Authenticate") == "Bearer")
        #expect(try await ask(server, "open/../data").status != 200)
        #expect(try await ask(server, "data", headers: ["Authorization": "Bearer \(secret)"]).status == 200)
        #expect(try await ask(server, "data", headers: ["Authorization": "Bearer 0123456789abcdeg"]).status == 401)
        // A path that does not exist is no news either.
        #expect(try await ask(server, "nowhere").status == 401)
        await server.stop()
    }

    @Test func eventsArriveInOrder() async throws {
        let server = try await start()
        let answer = try await ask(server, "events")
        #expect(answer.body == (1...3).map { "event: count\ndata: \($0)\n\n" }.joined())
        #expect(answer.header("Content-Type") == "text/event-stream; charset=utf-8")
        await server.stop()
    }

    @Test func aTakenPortIsSaid() async throws {
        let server = try await start()
        let address = server.address
        await #expect(throws: WebServingError.self) { try await start { $0.address = address } }
        await server.stop()
        let again = try await start { $0.address = address }
        #expect(again.address == address)
        await again.stop()
    }

    @Test func othersNeedATokenAndEncryption() async throws {
        let everywhere = try ListenAddress("0.0.0.0:0")
        let token = try #require(BearerToken(secret))
        await #expect(throws: WebServingError.needsTokenAndCertificate(everywhere)) {
            try await start { $0.address = everywhere }
        }
        await #expect(throws: WebServingError.needsTokenAndCertificate(everywhere)) {
            try await start {
                $0.address = everywhere
                $0.token = token
            }
        }
        await #expect(throws: WebServingError.self) {
            try await start { $0.certificate = ("/nowhere.pem", "/nowhere.key") }
        }
    }
}
