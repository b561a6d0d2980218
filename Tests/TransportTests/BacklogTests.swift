import Testing
import Transport
import Wire

@Suite("Messages that wait for the service")
struct BacklogTests {
    private func message(_ id: UInt64, payload: [UInt8]? = nil) throws -> ArrivedMessage {
        ArrivedMessage(
            peer: Peer(connection: [1], role: try workerRole("bank")), content: .success(accept(id: id)),
            payload: payload, byteCount: payload?.count ?? 0)
    }

    private func next(of backlog: inout Backlog) throws -> UInt64? {
        try backlog.next()?.content.get().id
    }

    @Test func theyComeOutInTheOrderTheyWentIn() throws {
        var backlog = Backlog()
        var (added, taken): (UInt64, UInt64) = (0, 0)
        // In and out by turns, over the size at which it makes room at its front.
        for turn in 0..<40 {
            for _ in 0..<(turn.isMultiple(of: 2) ? 700 : 50) {
                added += 1
                backlog.add(try message(added))
            }
            for _ in 0..<(turn.isMultiple(of: 2) ? 100 : 640) where taken < added {
                taken += 1
                #expect(try next(of: &backlog) == taken)
            }
        }
        while taken < added {
            taken += 1
            #expect(try next(of: &backlog) == taken)
        }
        #expect(backlog.isEmpty)
        #expect(try next(of: &backlog) == nil)
    }

    @Test func itHasRoomForSoManyMessages() throws {
        var backlog = Backlog()
        for id in 1...UInt64(Backlog.countMax) {
            #expect(backlog.hasRoom)
            backlog.add(try message(id))
        }
        #expect(!backlog.hasRoom)
        _ = backlog.next()
        #expect(backlog.hasRoom)
    }

    @Test func itHasRoomForSoManyBytes() throws {
        var backlog = Backlog()
        let payload = [UInt8](repeating: 0, count: WireLimits.payloadBytes)
        for id in 1...UInt64(Backlog.bytesMax / payload.count) {
            #expect(backlog.hasRoom)
            backlog.add(try message(id, payload: payload))
        }
        #expect(!backlog.hasRoom)
        _ = backlog.next()
        #expect(backlog.hasRoom)
    }

    @Test func onlyWhatBeginsASessionIsAGreeting() throws {
        let peer = Peer(connection: [1], role: try workerRole("bank"))
        let hello = Hello(software: "s", features: [], codecs: [], cores: 1, memoryBytes: 1, baseModel: nil)
        let greetings = [Message.hello(hello), .goodbye(Goodbye(reason: "")), .heartbeat(Heartbeat(phase: .idle))].map {
            ArrivedMessage(peer: peer, content: .success(Envelope(id: 1, message: $0)), payload: nil, byteCount: 0)
                .isGreeting
        }
        #expect(greetings == [true, false, false])
        #expect(!ArrivedMessage(peer: peer, content: .failure(.malformed("x")), payload: nil, byteCount: 0).isGreeting)
    }
}
