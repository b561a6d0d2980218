import Federation
import Wire

/// Counts what peers were refused, and says so at most once a second a peer: a flood of bad messages makes no flood of lines.
struct Refusals {
    /// By what was wrong: a `Refused` code, `rejected` for an update, `over-budget` for messages that were let drop.
    private(set) var counts: [String: Int] = [:]
    /// When a peer's refusals were last told, and how many came since.
    private var told: [PeerRole: (at: Instant, since: Int)] = [:]

    /// - Returns: How many refusals to tell of now, this one included; `nil`: none, it is too soon.
    mutating func note(_ kind: String, of peer: PeerRole, at now: Instant) -> Int? {
        counts[kind, default: 0] += 1
        let earlier = told[peer]
        if let earlier, now.seconds(since: earlier.at) < 1 {
            told[peer] = (earlier.at, earlier.since + 1)
            return nil
        }
        told[peer] = (now, 0)
        return (earlier?.since ?? 0) + 1
    }
}

extension Message {
    /// What this answer refuses, and why; `nil` if it refuses nothing.
    var refusal: (kind: String, reason: String)? {
        switch self {
        case .refused(let refused): (refused.code.label, refused.reason)
        case .updateAck(let ack):
            if case .rejected(let reason) = ack.state { ("rejected", reason) } else { nil }
        default: nil
        }
    }
}

extension Refused.Code {
    /// As it is counted and shown.
    var label: String {
        switch self {
        case .malformed: "malformed"
        case .unsupportedVersion: "unsupported-version"
        case .unknownMessage: "unknown-message"
        case .baseModelMismatch: "base-model-mismatch"
        case .unknownObject: "unknown-object"
        case .unknownLease: "unknown-lease"
        case .tooLarge: "too-large"
        case .notEnrolled: "not-enrolled"
        case .unavailable: "unavailable"
        case .sessionRequired: "session-required"
        }
    }
}
