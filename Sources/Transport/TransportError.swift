import CZeroMQ
import Glibc

/// A link that could not be set up.
public enum TransportError: Error, Hashable, Sendable {
    case addressInUse(endpoint: String)
    case addressNotAvailable(endpoint: String)
    case permissionDenied(endpoint: String)
    case invalidEndpoint(String, reason: String)
    /// A libzmq or system call that should not fail: its name and the library's text for the error.
    case callFailed(function: String, code: Int32, reason: String)

    /// The failure of the libzmq call that has just returned on this thread.
    static func last(_ function: String) -> TransportError {
        let code = zmq_errno()
        return .callFailed(function: function, code: code, reason: zmq_strerror(code).map { String(cString: $0) } ?? "")
    }

    /// The failure of `zmq_bind`, for the person who chose the address.
    static func lastBind(to endpoint: String) -> TransportError {
        switch zmq_errno() {
        case EADDRINUSE: .addressInUse(endpoint: endpoint)
        case EADDRNOTAVAIL, ENODEV: .addressNotAvailable(endpoint: endpoint)
        case EACCES, EPERM: .permissionDenied(endpoint: endpoint)
        case EINVAL, EPROTONOSUPPORT: .invalidEndpoint(endpoint, reason: "write tcp://ADDRESS:PORT")
        default: .last("zmq_bind")
        }
    }
}

extension TransportError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .addressInUse(let endpoint):
            "\(endpoint) is in use by another program; stop it or choose another port with --bind"
        case .addressNotAvailable(let endpoint):
            "\(endpoint) is not an address of this machine; choose one of its own, or tcp://0.0.0.0:PORT for all"
        case .permissionDenied(let endpoint):
            "no permission to listen on \(endpoint); choose a port from 1024 on"
        case .invalidEndpoint(let endpoint, let reason): "\(endpoint.debugDescription) is not an endpoint: \(reason)"
        case .callFailed(let function, EMFILE, _), .callFailed(let function, ENFILE, _):
            "\(function) failed: too many open files; raise the limit (ulimit -n, or LimitNOFILE of the service)"
        case .callFailed(let function, _, let reason): "\(function) failed: \(reason)"
        }
    }
}

/// Repeats a libzmq call that a signal interrupted.
func retryingInterrupts(_ call: () -> Int32) -> Int32 {
    while true {
        let result = call()
        if result != -1 || zmq_errno() != EINTR { return result }
    }
}
