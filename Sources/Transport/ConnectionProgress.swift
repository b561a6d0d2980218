package import Federation
package import Wire

/// From libzmq's events to what the service is told, and when a new socket is needed. Pure.
package struct ConnectionProgress {
    /// After this many handshakes in a row that end without a reason, the key is the likeliest one.
    static let cutHandshakesMax = 3
    /// A handshake that is cut later than this was not answered in time: a wrong key ends one at once. Unit: seconds.
    static let promptSeconds = 5.0
    /// libzmq tries at least this often; when it is silent for longer, it has given the connection up (it does so
    /// after errors in the protocol). Unit: seconds.
    static let silenceSeconds = 45.0

    /// After a handshake that was cut it says at once that it will try again, or it has given up. Unit: seconds.
    static let cutSeconds = 2.0

    private let endpoint: String
    private let pauses: ReconnectPauses
    /// What the service knows; `nil` until something is known about this socket.
    private var told: ConnectionState?
    private var cutHandshakes = 0
    /// When the newest attempt to connect began; `nil` where libzmq does not say: a connection that is there at once
    /// has no beginning of its own.
    private var attemptedAt: Instant?
    /// Keys that the coordinator may have.
    package var keyCount = 1
    /// The next socket is to ask for another of the coordinator's keys.
    package private(set) var wantsOtherKey = false
    private var refusals = 0
    /// Refused, and the next socket is not open yet.
    private var isPausing = false
    /// When to open a new socket, unless something happens before.
    private(set) var reopening: Instant?

    package init(endpoint: String, pauses: ReconnectPauses) {
        self.endpoint = endpoint
        self.pauses = pauses
    }

    func isReopeningDue(at now: Instant) -> Bool {
        reopening.map { $0 <= now } ?? false
    }

    package mutating func opened(at now: Instant) {
        wantsOtherKey = false
        isPausing = false
        attemptedAt = nil
        if told == .connected { told = nil }
        reopening = now.advanced(bySeconds: Self.silenceSeconds)
    }

    /// What to tell the service, if anything.
    package mutating func follow(_ event: ConnectionEvent, at now: Instant) -> ConnectionState? {
        switch event {
        case .connectionStarted:
            attemptedAt = now
            watch(from: now)
            return nil
        case .retrying:
            attemptedAt = nil
            watch(from: now)
            guard !isDown else { return nil }
            return tell(.disconnected(reason: "cannot reach \(endpoint) yet; trying again"))
        case .handshakeDone:
            cutHandshakes = 0
            refusals = 0
            reopening = nil
            return tell(.connected)
        case .handshakeRefused:
            pauseAfterRefusal(from: now)
            return tell(
                .refused(
                    reason: "the coordinator at \(endpoint) does not admit this worker's key: it was revoked, or the "
                        + "invitation is used up, replaced by a newer one or expired; ask the coordinator's owner for a "
                        + "new join file (shoal keys invite)"))
        case .protocolMismatch:
            pauseAfterRefusal(from: now)
            return tell(
                .refused(
                    reason: "\(endpoint) does not speak the same protocol: either it is no Shoal coordinator, or only "
                        + "one side was started with --insecure"))
        case .handshakeCut:
            watch(from: now, seconds: Self.cutSeconds)
            let isLate = attemptedAt.map { now.seconds(since: $0) > Self.promptSeconds } ?? false
            attemptedAt = nil
            if isLate {
                wantsOtherKey = keyCount > 1
                let reason = "\(endpoint) is too busy to answer, or is no Shoal coordinator; trying again"
                return isDown ? nil : tell(.disconnected(reason: reason))
            }
            cutHandshakes += 1
            guard cutHandshakes >= Self.cutHandshakesMax * keyCount else {
                // At once, in turn: the pauses of the old socket have grown while the coordinator was away.
                wantsOtherKey = keyCount > 1
                return isDown ? nil : tell(.disconnected(reason: "\(endpoint) closed the connection; trying again"))
            }
            cutHandshakes = 0
            return tell(
                .refused(
                    reason: "\(endpoint) ends every handshake: either its key is not the one in the join file, or was "
                        + "replaced while this worker was away (ask the coordinator's owner for a new file: shoal keys "
                        + "invite, for a worker that is enrolled with --enrolled), or only one side was started with "
                        + "--insecure"))
        case .disconnected:
            watch(from: now)
            guard told == .connected else { return nil }
            return tell(.disconnected(reason: "the connection to \(endpoint) was lost; trying again"))
        }
    }

    private var isDown: Bool {
        switch told {
        case .disconnected, .refused: true
        case .connected, nil: false
        }
    }

    private mutating func tell(_ state: ConnectionState) -> ConnectionState {
        told = state
        return state
    }

    /// Gives libzmq time for its own next attempt, unless a refusal has set the moment already.
    private mutating func watch(from now: Instant, seconds: Double = silenceSeconds) {
        guard !isPausing else { return }
        reopening = now.advanced(bySeconds: seconds)
    }

    /// libzmq gives up after a refusal, so a new socket tries again, later each time.
    private mutating func pauseAfterRefusal(from now: Instant) {
        let doublings = min(refusals, 5)
        let seconds = Double(pauses.refusedMilliseconds) / 1_000 * Double(min(1 << doublings, 30))
        refusals += 1
        isPausing = true
        // A fleet that was refused together does not come back together.
        reopening = now.advanced(bySeconds: seconds * Double.random(in: 1...1.25))
    }
}
