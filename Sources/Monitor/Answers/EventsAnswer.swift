import Coordinator

/// `GET /api/v1/events`, and the stream's `events`: what happened lately, oldest first.
package struct EventsAnswer: Codable, Hashable, Sendable {
    package struct Event: Codable, Hashable, Sendable {
        package var at: String
        /// Kept in the ledger: `paused`, `resumed`, `stopped`, `finished`, `recovered`, `rolled-back`, `attacked`. Kept in
        /// memory: `connected`, `lost`, `declined`, `refused`, `published`, `waiting`.
        package var kind: String
        /// A sentence. May hold a worker's own words: untrusted text.
        package var detail: String
        package var worker: String?
    }

    package var events: [Event]

    static let eventsMax = 500

    /// - Parameter limit: How many of the newest.
    init(_ snapshot: RunSnapshot, limit: Int = eventsMax) {
        let kept = snapshot.overview.events.map { (at: $0.at, event: Event($0)) }
        let noted = snapshot.notices.map { (at: $0.at, event: Event($0)) }
        // Stable: events of one second stay in the order they came.
        let all = (kept + noted).enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
        events = all.suffix(min(max(0, limit), Self.eventsMax)).map(\.element.event)
    }
}

extension EventsAnswer.Event {
    fileprivate init(_ event: LedgerEvent) {
        self.init(at: CalendarTime.text(event.at), kind: event.kind.rawValue, detail: event.detail, worker: nil)
    }

    fileprivate init(_ notice: RunNotices.Notice) {
        self.init(at: CalendarTime.text(notice.at), kind: notice.kind, detail: notice.detail, worker: notice.worker)
    }
}
