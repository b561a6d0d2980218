import CZeroMQ

/// Owns one libzmq context: its I/O thread and the in-process names of its sockets.
///
/// Every socket keeps its context alive, so that the last one to go ends it: `zmq_ctx_term` would wait for ever for a
/// socket still open.
///
/// Safe to share (`@unchecked Sendable`): the handle never changes, and libzmq contexts are thread-safe.
public final class MessagingContext: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer

    /// - Parameter socketsMax: Sockets open at once; connections need none of their own.
    public init(socketsMax: Int = 64) throws(TransportError) {
        guard let handle = zmq_ctx_new() else { throw .last("zmq_ctx_new") }
        self.handle = handle
        guard zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, Int32(socketsMax)) == 0 else { throw .last("zmq_ctx_set") }
    }

    /// Makes every blocked call on the context's sockets return; sockets closed before still send what lingers.
    func shutDown() {
        zmq_ctx_shutdown(handle)
    }

    /// Waits until what the closed sockets hold was sent, or their linger time is over.
    deinit {
        _ = retryingInterrupts { zmq_ctx_term(handle) }
    }
}
