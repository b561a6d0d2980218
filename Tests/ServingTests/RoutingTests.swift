import ModelFiles
import Serving
import Testing

@Suite("Routing to a larger model")
struct RoutingTests {
    @Test("rests on the mean probability of the drawn tokens")
    func confidence() {
        var confidence = AnswerConfidence()
        #expect(confidence.value == 0)
        for probability in [0.5, 1, 0.25, 0.25] { confidence.add(probability: probability) }
        #expect(confidence.value == 0.5)
    }

    @Test("forwards below the set confidence alone")
    func decision() throws {
        let settings = try RouteSettings(url: "https://example.org/v1/", model: "large", confidenceMin: 0.5)
        #expect(settings.url == "https://example.org/v1")
        #expect(settings.forwards(0.49) && !settings.forwards(0.5) && !settings.forwards(1))
        let never = try RouteSettings(url: "https://example.org/v1", model: "large", confidenceMin: 0)
        #expect(!never.forwards(0))
    }

    @Test(
        "takes no address that would carry prompts unencrypted over a network",
        arguments: [
            ("http://127.0.0.1:8000/v1", true), ("http://localhost/v1", true), ("http://[::1]:8000/v1", true),
            ("https://models.example.org/v1", true), ("http://models.example.org/v1", false),
            ("http://127.0.0.1.example.org/v1", false), ("http://10.0.0.7:8000/v1", false), ("ftp://localhost", false),
            ("https://", false), ("https://user:secret@example.org/v1", false), ("https://example.org/v1?a=b", false),
            ("example.org/v1", false),
        ])
    func addresses(_ url: String, _ isTaken: Bool) {
        if isTaken {
            #expect(throws: Never.self) { try RouteSettings(url: url, model: "m") }
        } else {
            #expect(throws: RouteError.self) { try RouteSettings(url: url, model: "m") }
        }
    }
}
