import FixtureFiles
import Foundation
import Testing
import WebClient

/// `shoal serve`, as a person runs it and a client of OpenAI's API meets it.
@Suite("shoal serve", .serialized)
struct ServeCommandTests {
    private let folder = ScratchFolder()
    private let prompt = "Patient reports"

    private struct Server {
        let program: RunningProgram
        /// With `v1` at its end.
        let url: String

        func stop() throws {
            program.send(SIGTERM)
            #expect(try program.finish(limitSeconds: 60).code == 130)
        }
    }

    private func serve(_ arguments: String...) throws -> Server {
        let program = try Program.start(
            ["serve", "--model", "built-in", "--listen", "127.0.0.1:0", "--threads", "1", "--log-level", "info"]
                + arguments)
        try program.waitFor("serves        http://127.0.0.1:")
        let line = try #require(program.errors.split(separator: "\n").first { $0.hasPrefix("serves ") })
        return Server(program: program, url: String(try #require(line.split(separator: " ").last)))
    }

    /// The adapters after the first and after the last of a run's rounds.
    private func adapters() throws -> (early: String, late: String) {
        let state = folder.file("run")
        let outcome = try Program.run(
            "simulate", "--in-process", "--workers", "2", "--set", "federation.rounds=2", "--set",
            "federation.workers-per-round=2", "--state", state)
        try #require(outcome.code == 0, "\(outcome.errors)")
        return (state + "/adapters/0001", state + "/adapter")
    }

    /// What `shoal generate` continues the prompt with.
    private func generated(_ adapter: String?) throws -> String {
        let arguments = ["generate", "--model", "built-in", "--prompt", prompt, "--max-tokens", "16"]
        let outcome = try Program.start(arguments + (adapter.map { ["--adapter", $0] } ?? [])).finish()
        try #require(outcome.code == 0, "\(outcome.errors)")
        return String(outcome.output.dropFirst(prompt.count).dropLast())
    }

    private func ask(
        _ server: Server, _ model: String, streams: Bool = false, headers: [String: String] = [:]
    ) async throws -> WebAnswer {
        let answer = try await WebClient.ask(
            server.url + "/completions",
            body: #"{"model":"\#(model)","prompt":"\#(prompt)","max_tokens":16,"temperature":0,"stream":\#(streams)}"#,
            headers: headers)
        #expect(answer.status == 200, "\(answer.body)")
        return answer
    }

    /// The objects of an answer: one, or one an event.
    private func objects(_ answer: WebAnswer) throws -> [[String: Any]] {
        let texts =
            answer.body.hasPrefix("data: ")
            ? answer.body.components(separatedBy: "\n\n").map { String($0.dropFirst(6)) } : [answer.body]
        return try texts.filter { $0.hasPrefix("{") }.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    private func text(_ answer: WebAnswer) throws -> String {
        try objects(answer).compactMap { ($0["choices"] as? [[String: Any]])?.first?["text"] as? String }.joined()
    }

    @Test("two adapters over one base model, whole and as a stream: the texts of shoal generate")
    func adaptersOverOneBase() async throws {
        let (early, late) = try adapters()
        let server = try serve("--adapter", "early=\(early)", "--adapter", "late=\(late)")
        let list = try objects(try await WebClient.ask(server.url + "/models"))
        let names = (list.first?["data"] as? [[String: Any]])?.compactMap { $0["id"] as? String }
        #expect(names == ["built-in", "early", "late"])
        var texts: Set<String> = []
        for (name, adapter) in [("base", nil), ("early", early), ("late", late)] as [(String, String?)] {
            let expected = try generated(adapter)
            #expect(try text(try await ask(server, name)) == expected)
            let stream = try await ask(server, name, streams: true)
            #expect(try text(stream) == expected && stream.body.hasSuffix("data: [DONE]\n\n"))
            // Nothing is forwarded unless that was asked for.
            #expect(stream.header("x-shoal-route") == nil && !stream.body.contains("served_by"))
            texts.insert(expected)
        }
        #expect(texts.count == 3)
        #expect(!server.program.errors.contains(prompt), "a request's text is in no log")
        try server.stop()
    }

    @Test("an answer that the local model is not sure of comes from a second server, and says so")
    func routing() async throws {
        let (_, late) = try adapters()
        let behind = try serve("--adapter", "late=\(late)")
        let (local, remote) = (try generated(nil), try generated(late))
        try #require(local != remote)
        // A mean probability of 1 is never reached, one of 0 always.
        for (least, servedBy, expected) in [("1", "remote", remote), ("0", "local", local)] {
            let front = try serve("--route-url", behind.url, "--route-model", "late", "--route-confidence", least)
            #expect(front.program.errors.contains("THEIR PROMPTS LEAVE THIS MACHINE"))
            for streams in [false, true] {
                let answer = try await ask(front, "base", streams: streams)
                #expect(try text(answer) == expected)
                #expect(answer.header("x-shoal-route") == servedBy)
                let note = try #require(try objects(answer).first?["shoal"] as? [String: Any])
                #expect(note["served_by"] as? String == servedBy)
                let confidence = try #require(note["confidence"] as? Double)
                #expect(confidence > 0 && confidence < 1 && note["confidence_min"] as? Double == Double(least))
            }
            let kept = try await ask(front, "base", headers: ["x-shoal-route": "local"])
            #expect(try text(kept) == local && kept.header("x-shoal-route") == "local")
            try front.stop()
            // The server behind was asked by the one in front alone.
            let forwarded = behind.program.errors.components(separatedBy: "model=late").count - 1
            #expect(forwarded == 2, "\(behind.program.errors)")
        }
        try behind.stop()
    }

    @Test(
        "what keeps it from serving is said with a remedy, exit code 2",
        arguments: [
            (["--model", "built-in", "--listen", "0.0.0.0:0"], "--token-file"),
            (["--model", "built-in", "--listen", "nonsense"], "HOST:PORT"),
            (["--model", "/nowhere"], "/nowhere"), (["--model", "built-in", "--adapter", "/nowhere"], "/nowhere"),
            (["--model", "built-in", "--adapter", "base=x"], "base"),
            (["--model", "built-in", "--route-url", "http://127.0.0.1:1/v1"], "--route-model"),
            (
                ["--model", "built-in", "--route-url", "http://elsewhere.example/v1", "--route-model", "x"],
                "https"
            ),
        ])
    func refusals(_ arguments: [String], _ word: String) throws {
        let outcome = try Program.start(["serve"] + arguments).finish(limitSeconds: 60)
        #expect(outcome.code == 2 && outcome.errors.contains(word), "\(outcome.code): \(outcome.errors)")
    }
}
