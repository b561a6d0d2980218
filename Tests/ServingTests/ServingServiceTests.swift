import Foundation
import ModelFiles
import Serving
import Testing
import WebClient
import WebServing

@Suite("OpenAI's API")
struct ServingServiceTests {
    static func ask(
        _ server: WebServer, _ path: String, _ body: String? = nil, headers: [String: String] = [:]
    ) async throws -> WebAnswer {
        try await WebClient.ask(server.url + path, body: body, headers: headers)
    }

    /// A member within objects and lists: `["choices", "0", "text"]`.
    static func value(_ members: [String: JSONValue], _ path: String) -> JSONValue? {
        var value: JSONValue? = .object(members)
        for part in path.split(separator: ".") {
            switch value {
            case .object(let members)?: value = members[String(part)]
            case .array(let list)?: value = Int(part).flatMap { list.indices.contains($0) ? list[$0] : nil }
            default: return nil
            }
        }
        return value
    }

    private static func list(_ json: [String: JSONValue], _ path: String) throws -> [JSONValue] {
        guard case .array(let elements)? = value(json, path) else {
            throw CocoaError(.coderValueNotFound)
        }
        return elements
    }

    @Test func modelsAreListed() async throws {
        let server = try await ServedFixture.server()
        let list = try await Self.ask(server, "v1/models").json()
        #expect(Self.value(list, "data.0.id") == .string("small") && Self.value(list, "data.1.id") == .string("tuned"))
        #expect(Self.value(list, "data.1.parent") == .string("small") && list["object"] == .string("list"))
        #expect(try await Self.ask(server, "v1/models/tuned").json()["id"] == .string("tuned"))
        #expect(try await Self.ask(server, "healthz").body == "ok")
        await server.stop()
    }

    @Test func aContinuationIsThatOfTransformers() async throws {
        let server = try await ServedFixture.server()
        for row in try ServedFixture.Greedy.all() {
            let body = """
                {"model":"base","prompt":\(row.promptTokens),"temperature":0,"max_tokens":32,"logprobs":1}
                """
            let answer = try await Self.ask(server, "v1/completions", body)
            let json = try answer.json()
            #expect(answer.status == 200 && Self.value(json, "choices.0.text") == .string(row.text))
            #expect(Self.value(json, "usage.prompt_tokens") == .integer(row.promptTokens.count))
            #expect(Self.value(json, "usage.completion_tokens") == .integer(row.tokens.count))
            let reason = row.tokens.count == 32 ? "length" : "stop"
            #expect(Self.value(json, "choices.0.finish_reason") == .string(reason))
            guard case .number(let chance)? = Self.value(json, "choices.0.logprobs.token_logprobs.0") else {
                Issue.record("no probability")
                continue
            }
            #expect(abs(chance - row.logProbabilities[0]) < 1e-3)
            let names = try Self.list(json, "choices.0.logprobs.tokens")
            let offsets = try Self.list(json, "choices.0.logprobs.text_offset")
            #expect(names.count == row.tokens.count && offsets.count == names.count)
            #expect(offsets.first == .integer(0))
            let text = Array(row.text.unicodeScalars)
            for case (.string(let name), .integer(let offset)) in zip(names, offsets) where !name.contains("\u{FFFD}") {
                #expect(text.dropFirst(offset).starts(with: name.unicodeScalars), "\(name) at \(offset)")
            }
        }
        await server.stop()
    }

    @Test(arguments: ["small", "tuned"])
    func aStreamIsTheSameAnswerInPieces(_ model: String) async throws {
        let server = try await ServedFixture.server()
        let messages = #""messages":[{"role":"user","content":"Patient reports"}]"#
        let fields = #""model":"\#(model)",\#(messages),"max_tokens":24,"seed":7"#
        let whole = try await Self.ask(server, "v1/chat/completions", "{\(fields)}").json()
        let stream = try await Self.ask(
            server, "v1/chat/completions", #"{\#(fields),"stream":true,"stream_options":{"include_usage":true}}"#)
        #expect(stream.header("Content-Type") == "text/event-stream; charset=utf-8")
        #expect(stream.events.last == "[DONE]")
        let pieces = try stream.events.dropLast().map { try JSONValue(parsing: Array($0.utf8)) }
            .map { piece -> [String: JSONValue] in
                guard case .object(let members) = piece else { return [:] }
                return members
            }
        let text = pieces.map { piece -> String in
            guard case .string(let text)? = Self.value(piece, "choices.0.delta.content") else { return "" }
            return text
        }
        #expect(text.filter { !$0.isEmpty }.count > 5, "piece by piece")
        #expect(Self.value(whole, "choices.0.message.content") == .string(text.joined()))
        #expect(Self.value(pieces[0], "choices.0.delta.role") == .string("assistant"))
        let reasons = pieces.compactMap { Self.value($0, "choices.0.finish_reason") }.filter { $0 != .null }
        #expect(reasons == [Self.value(whole, "choices.0.finish_reason") ?? .null])
        #expect(pieces.last?["usage"] == whole["usage"] && pieces.last?["choices"] == .array([]))
        #expect(Set(pieces.map { $0["id"] }).count == 1)
        await server.stop()
    }

    @Test func aStopStringEndsTheText() async throws {
        let server = try await ServedFixture.server()
        let body = #"{"model":"small","prompt":"Patient reports","temperature":0,"max_tokens":32,"stop":"mm."}"#
        let json = try await Self.ask(server, "v1/completions", body).json()
        #expect(Self.value(json, "choices.0.text") == .string(": 30.26 "))
        #expect(Self.value(json, "choices.0.finish_reason") == .string("stop"))
        await server.stop()
    }

    @Test func problemsHaveOpenAIsShape() async throws {
        let server = try await ServedFixture.server(contextMax: 20)
        let long = String(repeating: "Patient reports ", count: 30)
        let cases: [(path: String, body: String?, status: Int, parameter: JSONValue, code: String)] = [
            ("v1/completions", #"{"model":"other","prompt":"a"}"#, 404, .string("model"), "model_not_found"),
            ("v1/completions", #"{"model":"small","prompt":[99999]}"#, 400, .string("prompt"), "invalid_value"),
            (
                "v1/completions", #"{"model":"small","prompt":"\#(long)"}"#, 400, .string("prompt"),
                "context_length_exceeded"
            ),
            (
                "v1/completions", #"{"model":"small","prompt":"a","max_tokens":20}"#, 400, .string("prompt"),
                "context_length_exceeded"
            ),
            ("v1/completions", "{", 400, .null, "invalid_json"),
            ("v1/embeddings", "{}", 404, .null, "unknown_url"),
            ("v1/models/other", nil, 404, .string("model"), "model_not_found"),
            (
                "v1/completions", String(repeating: " ", count: ServingService.requestBytesMax + 1), 413, .null,
                "request_too_large"
            ),
        ]
        for given in cases {
            let answer = try await Self.ask(server, given.path, given.body)
            let json = try answer.json()
            #expect(answer.status == given.status, "\(given.code)")
            #expect(Self.value(json, "error.param") == given.parameter)
            #expect(Self.value(json, "error.code") == .string(given.code))
            #expect(Self.value(json, "error.type") == .string("invalid_request_error"))
        }
        await server.stop()
    }
}

extension WebAnswer {
    func json() throws -> [String: JSONValue] {
        guard case .object(let members) = try JSONValue(parsing: Array(body.utf8)) else { return [:] }
        return members
    }

    /// Each event's data.
    var events: [String] {
        body.components(separatedBy: "\n\n").filter { !$0.isEmpty }.map { String($0.dropFirst(6)) }
    }
}
