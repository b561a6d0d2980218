import CZeroMQ

/// Owns one `zmq_msg_t`, at a fixed address as libzmq wants it; each receive replaces what it holds.
struct MessageFrame: ~Copyable {
    let message: UnsafeMutablePointer<zmq_msg_t>

    init() {
        message = .allocate(capacity: 1)
        message.initialize(to: zmq_msg_t())
        zmq_msg_init(message)
    }

    deinit {
        zmq_msg_close(message)
        message.deallocate()
    }

    /// Valid until the next receive.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: zmq_msg_data(message), count: zmq_msg_size(message))
    }

    var hasMore: Bool { zmq_msg_more(message) != 0 }

    /// A property that the connection's handshake gave its messages, such as `User-Id`.
    func property(_ name: String) -> String? {
        zmq_msg_gets(message, name).map { String(cString: $0) }
    }

    /// The connection's descriptor when the message came; it may be closed, and its number reused, by now.
    var descriptor: Int32 { zmq_msg_get(message, ZMQ_SRCFD) }
}
