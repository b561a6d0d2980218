import Synchronization
import WebServing

/// What one client of the stream has yet to be sent: of each kind the newest alone, so that a slow client misses
/// intermediate states and never the last one, and costs a bounded amount of memory.
final class Mailbox: Sendable {
    private let waiting = Mutex<[ServerSentEvent]>([])
    private let wakeups: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation
    private let leave: @Sendable () -> Void

    /// - Parameter leave: Called once nobody reads ``events`` any more: all of them are written, or the client has gone.
    init(leave: @escaping @Sendable () -> Void) {
        (wakeups, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.leave = leave
    }

    func put(_ events: [ServerSentEvent]) {
        guard !events.isEmpty else { return }
        waiting.withLock { waiting in
            for event in events {
                waiting.removeAll { $0.name == event.name }
                waiting.append(event)
            }
        }
        bell.yield()
    }

    /// Ends the client's answer after what is waiting.
    func close() { bell.finish() }

    fileprivate func take() -> ServerSentEvent? {
        waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    /// For the one client, who takes them once.
    var events: Events { Events(reader: Reader(self)) }

    /// Lives as long as somebody may read. An event that was taken is still to be written, so an empty mailbox says
    /// nothing about whether the client has it.
    fileprivate final class Reader: Sendable {
        let mailbox: Mailbox

        init(_ mailbox: Mailbox) { self.mailbox = mailbox }

        deinit { mailbox.leave() }
    }

    struct Events: AsyncSequence, Sendable {
        fileprivate let reader: Reader

        func makeAsyncIterator() -> Iterator {
            Iterator(reader: reader, wakeups: reader.mailbox.wakeups.makeAsyncIterator())
        }

        struct Iterator: AsyncIteratorProtocol {
            fileprivate let reader: Reader
            fileprivate var wakeups: AsyncStream<Void>.Iterator

            mutating func next() async -> ServerSentEvent? {
                while true {
                    if let event = reader.mailbox.take() { return event }
                    guard await wakeups.next() != nil else { return reader.mailbox.take() }
                }
            }
        }
    }
}
