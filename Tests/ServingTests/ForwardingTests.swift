import ModelFiles
import Serving
import Testing
import WebClient
import WebServing

@Suite("Forwarding between two servers")
struct ForwardingTests {
    /// The adapter's text, of the server behind, differs from the base model's, of the one in front.
    private let prompt = #""prompt":"Patient reports","temperature":0,"max_tokens":24"#

    private func servers(
        confidenceMin: Double, remoteModel: String = "tuned"
    ) async throws -> (front: WebServer, behind: WebServer) {
        let behind = try await ServedFixture.server()
        let route = try RouteSettings(
            url: behind.url + "v1", model: remoteModel, confidenceMin: confidenceMin, tokens: 8)
        return (try await ServedFixture.server(route: route), behind)
    }

    private func text(_ server: WebServer, _ model: String) async throws -> JSONValue? {
        let json = try await ServingServiceTests.ask(server, "v1/completions", #"{"model":"\#(model)",\#(prompt)}"#)
            .json()
        return ServingServiceTests.value(json, "choices.0.text")
    }

    @Test("an answer that the local model is not sure of comes from the remote one", arguments: [false, true])
    func unsure(_ streams: Bool) async throws {
        let (front, behind) = try await servers(confidenceMin: 1)
        let expected = try await text(behind, "tuned")
        #expect(try await text(behind, "small") != expected)
        let answer = try await ServingServiceTests.ask(
            front, "v1/completions", #"{"model":"small",\#(prompt),"stream":\#(streams)}"#)
        #expect(answer.status == 200 && answer.header("x-shoal-route") == "remote")
        let parts = try (streams ? Array(answer.events.dropLast()) : [answer.body]).map {
            try JSONValue(parsing: Array($0.utf8))
        }
        var (found, notes) = ("", [JSONValue]())
        for case .object(let members) in parts {
            if case .string(let text)? = ServingServiceTests.value(members, "choices.0.text") { found += text }
            if let note = members["shoal"] { notes.append(note) }
        }
        #expect(.string(found) == expected && notes.count == 1)
        guard case .object(let note)? = notes.first, case .number(let confidence)? = note["confidence"] else {
            Issue.record("no confidence")
            return
        }
        #expect(note["served_by"] == .string("remote") && confidence > 0 && confidence < 1)
        await front.stop()
        await behind.stop()
    }

    @Test("an answer that it is sure of, or that the client keeps here, is the local one's", arguments: [0, 1.0])
    func sure(_ confidenceMin: Double) async throws {
        let (front, behind) = try await servers(confidenceMin: confidenceMin)
        let expected = try await text(behind, "small")
        for stream in [false, true] {
            let answer = try await ServingServiceTests.ask(
                front, "v1/completions", #"{"model":"small",\#(prompt),"stream":\#(stream)}"#,
                headers: confidenceMin > 0 ? ["x-shoal-route": "local"] : [:])
            #expect(answer.header("x-shoal-route") == "local")
            #expect(answer.body.contains(#""served_by":"local""#))
            guard !stream else { continue }
            #expect(ServingServiceTests.value(try answer.json(), "choices.0.text") == expected)
        }
        await front.stop()
        await behind.stop()
    }

    @Test("where the remote model fails, the local one answers and says so", arguments: [false, true])
    func failing(_ isGone: Bool) async throws {
        let (front, behind) = try await servers(confidenceMin: 1, remoteModel: isGone ? "tuned" : "nobody")
        let expected = try await text(behind, "small")
        if isGone { await behind.stop() }
        let answer = try await ServingServiceTests.ask(front, "v1/completions", #"{"model":"small",\#(prompt)}"#)
        let json = try answer.json()
        #expect(answer.status == 200 && answer.header("x-shoal-route") == "local")
        #expect(ServingServiceTests.value(json, "choices.0.text") == expected)
        #expect(ServingServiceTests.value(json, "shoal.served_by") == .string("local"))
        guard case .string(let reason)? = ServingServiceTests.value(json, "shoal.route_error") else {
            Issue.record("no reason")
            return
        }
        #expect(isGone || reason.contains("404"))
        await front.stop()
        if !isGone { await behind.stop() }
    }

    @Test("a server without a route tells nothing of routing")
    func off() async throws {
        let server = try await ServedFixture.server()
        let answer = try await ServingServiceTests.ask(server, "v1/completions", #"{"model":"small",\#(prompt)}"#)
        #expect(answer.header("x-shoal-route") == nil && !answer.body.contains("shoal"))
        await server.stop()
    }
}
