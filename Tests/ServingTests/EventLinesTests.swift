import Serving
import Testing

@Suite("Lines of a remote model's stream")
struct EventLinesTests {
    private let stream = "data: {\"a\":1}\r\n\r\n: a comment\nevent: x\ndata:second é\n\ndata: [DONE]\n\n"

    @Test("are the same wherever the stream is cut", arguments: [1, 2, 3, 7, 1000])
    func cuts(_ size: Int) throws {
        var lines = EventLines()
        var found: [String] = []
        let bytes = Array(stream.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            found += try lines.append(bytes[start..<min(start + size, bytes.count)])
        }
        #expect(found == ["data: {\"a\":1}", "", ": a comment", "event: x", "data:second é", "", "data: [DONE]", ""])
        #expect(found.compactMap { EventLines.data(of: $0).map(String.init) } == ["{\"a\":1}", "second é", "[DONE]"])
    }

    @Test("do not grow without end")
    func endless() throws {
        var lines = EventLines()
        let piece = [UInt8](repeating: 0x61, count: EventLines.lineBytesMax)
        let none = try lines.append(piece)
        #expect(none == [])
        #expect(throws: RemoteError.tooLong) { try lines.append([0x61]) }
    }
}
