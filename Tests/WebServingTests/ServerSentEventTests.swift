import Testing
import WebServing

@Suite("Server-sent events")
struct ServerSentEventTests {
    @Test func everyLineIsAField() {
        #expect(ServerSentEvent("{}").text == "data: {}\n\n")
        #expect(ServerSentEvent("a\nb", name: "round").text == "event: round\ndata: a\ndata: b\n\n")
        #expect(ServerSentEvent("a\r\n\revent: x").text == "data: a\ndata: \ndata: event: x\n\n")
        #expect(ServerSentEvent("").text == "data: \n\n")
        #expect(ServerSentEvent.keepAlive.text == ": keep-alive\n\n")
    }
}
