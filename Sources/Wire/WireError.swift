/// Bytes from a stranger that are not a message of this protocol.
public enum WireError: Error, Hashable, Sendable {
    case envelopeTooLarge(bytes: Int, limit: Int)
    case payloadTooLarge(bytes: Int, limit: Int)
    case malformed(String)
    case unsupportedVersion(UInt32)
    /// A message kind that this version does not know; the envelope's id, so that the refusal can name it.
    case unknownMessage(id: UInt64)
    case missingPayload(String)
    case unexpectedPayload(String)
}

extension WireError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .envelopeTooLarge(let bytes, let limit): "envelope of \(bytes) bytes, the limit is \(limit)"
        case .payloadTooLarge(let bytes, let limit): "payload of \(bytes) bytes, the limit is \(limit)"
        case .malformed(let what): "malformed message: \(what)"
        case .unsupportedVersion(let version):
            "protocol version \(version) is not supported here (this program speaks \(Envelope.currentVersion)); "
                + "install the same Shoal release on both sides"
        case .unknownMessage: "unknown message kind; install the same Shoal release on both sides"
        case .missingPayload(let message): "\(message) needs a payload frame"
        case .unexpectedPayload(let message): "\(message) takes no payload frame"
        }
    }
}
