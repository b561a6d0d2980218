import CZeroMQ
import Federation
import Glibc

/// One wait of a loop: for its sockets, for its mailbox, for the service's next moment.
struct LoopPoll {
    private var items: [zmq_pollitem_t] = []

    init(_ mailbox: LoopMailbox) {
        items.append(zmq_pollitem_t(socket: nil, fd: mailbox.descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
    }

    mutating func add(_ socket: borrowing MessagingSocket) {
        items.append(zmq_pollitem_t(socket: socket.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0))
    }

    /// Returns when something is there or `deadline` is reached; early returns are harmless.
    mutating func wait(until deadline: Instant?, now: Instant) {
        var milliseconds = -1
        if let deadline {
            // Rounded up: a loop woken early would spin until the moment comes.
            let nanoseconds = max(deadline.nanoseconds - now.nanoseconds, 0)
            milliseconds = Int(min((nanoseconds + 999_999) / 1_000_000, 60_000))
        }
        // A signal ends the wait: whoever handles it may have called stop().
        _ = zmq_poll(&items, Int32(items.count), milliseconds)
    }
}
