import Coordinator
import Logging
import WebServing

/// `GET /api/v1/stream`: looks at the run once a second while anybody listens, and tells everybody what changed.
///
/// Events: `run` (a ``RunAnswer``), `rounds` (a ``RoundsAnswer`` with the newest), `events` (an ``EventsAnswer`` with the
/// newest), `fleet` (a ``FleetChange``), `end` (an ``EndOfStream``, the last). A client is told all of them at once, then
/// each at most once a second and when it changed; a comment at least every 15 seconds keeps the connection alive.
actor LiveStream {
    static let clientsMax = 64
    static let keepAliveSeconds = 15
    private static let newest = 20

    private let reader: RunReader
    private let logger: Logger
    private var mailboxes: [Int: Mailbox] = [:]
    private var nextClient = 0
    private var told: [String: String] = [:]
    private var ticking: Task<Void, Never>?
    private var ending: EndOfStream?

    init(_ reader: RunReader, logger: Logger) {
        self.reader = reader
        self.logger = logger
    }

    /// - Returns: `nil` when too many clients listen already, and once the run has ended.
    func join() async throws -> Mailbox.Events? {
        guard mailboxes.count < Self.clientsMax, ending == nil else { return nil }
        let first = try Self.events(await reader.snapshot())
        // Others may have come meanwhile.
        guard mailboxes.count < Self.clientsMax, ending == nil else { return nil }
        if mailboxes.isEmpty { told = Dictionary(first.map { ($0.name ?? "", $0.data) }) { $1 } }
        let client = nextClient
        nextClient += 1
        let mailbox = Mailbox { Task { await self.leave(client) } }
        mailboxes[client] = mailbox
        mailbox.put(first)
        if ticking == nil { ticking = Task { await tick() } }
        return mailbox.events
    }

    /// Tells everybody the last state and why it is the last, and waits for them to read it, for so long at most.
    func end(_ ending: EndOfStream, farewellSeconds: Double) async {
        self.ending = ending
        ticking?.cancel()
        guard !mailboxes.isEmpty else { return }
        await reader.expire()
        do {
            let last = try Self.events(await reader.snapshot()) + [Self.event("end", ending)]
            for mailbox in mailboxes.values { mailbox.put(last) }
        } catch {
            logger.warning("the stream's last events could not be made: \(error)")
        }
        for mailbox in mailboxes.values { mailbox.close() }
        let deadline = ContinuousClock.now.advanced(by: .seconds(farewellSeconds))
        while !mailboxes.isEmpty, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    var listeners: Int { mailboxes.count }

    private func leave(_ client: Int) { mailboxes[client] = nil }

    private func tick() async {
        var seconds = 0
        while !mailboxes.isEmpty, ending == nil {
            guard (try? await Task.sleep(for: .seconds(1))) != nil else { break }
            seconds += 1
            do {
                let events = try Self.events(await reader.snapshot())
                // Nothing comes after the end, which may have been told meanwhile.
                guard ending == nil else { break }
                let changed = events.filter { told[$0.name ?? ""] != $0.data }
                for event in changed { told[event.name ?? ""] = event.data }
                let isQuiet = seconds.isMultiple(of: Self.keepAliveSeconds)
                for mailbox in mailboxes.values { mailbox.put(changed + (isQuiet ? [.keepAlive] : [])) }
            } catch {
                logger.warning("the stream could not look at its run: \(error)")
            }
        }
        ticking = nil
    }

    private static func events(_ snapshot: RunSnapshot) throws -> [ServerSentEvent] {
        let newest = snapshot.history.rounds.suffix(newest).first?.number ?? 1
        return [
            try event("run", RunAnswer(snapshot)),
            try event("rounds", RoundsAnswer(snapshot, after: newest - 1)),
            try event("events", EventsAnswer(snapshot, limit: Self.newest)),
            try event("fleet", FleetChange(snapshot)),
        ]
    }

    private static func event(_ name: String, _ value: some Encodable) throws -> ServerSentEvent {
        ServerSentEvent(try JSONAnswer.text(value), name: name)
    }
}

/// The stream's last event: how the coordinator's process ended.
package struct EndOfStream: Codable, Hashable, Sendable {
    /// `finished`, `stopped` (by its owner), `interrupted` (it can go on) or `failed`.
    package var outcome: String
    /// A sentence that says what to do; absent for a run that came to its end.
    package var cause: String?

    package init(outcome: String, cause: String? = nil) {
        self.outcome = outcome
        self.cause = cause
    }
}
