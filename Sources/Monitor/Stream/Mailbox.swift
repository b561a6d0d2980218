import Synchronization
import WebServing

/// What one client of the stream has yet to be sent: of each kind the newest alone, so that a slow client misses
/// intermediate states and never the last one, and costs a bounded amount of memory.
final class Mailbox: Sendable {
    private let waiting = Mutex<[ServerSentEvent]>([])
    private let wakeups: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation

    /// - Parameter leave: Called once the client has gone.
    init(leave: @escaping @Sendable () -> Void) {
        (wakeups, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        bell.onTermination = { _ in leave() }
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

    var isEmpty: Bool { waiting.withLock(\.isEmpty) }

    fileprivate func take() -> ServerSentEvent? {
        waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    /// For the one client.
    var events: Events { Events(mailbox: self) }

    struct Events: AsyncSequence, Sendable {
        fileprivate let mailbox: Mailbox

        func makeAsyncIterator() -> Iterator {
            Iterator(mailbox: mailbox, wakeups: mailbox.wakeups.makeAsyncIterator())
        }

        struct Iterator: AsyncIteratorProtocol {
            fileprivate let mailbox: Mailbox
            fileprivate var wakeups: AsyncStream<Void>.Iterator

            mutating func next() async -> ServerSentEvent? {
                while true {
                    if let event = mailbox.take() { return event }
                    guard await wakeups.next() != nil else { return mailbox.take() }
                }
            }
        }
    }
}
