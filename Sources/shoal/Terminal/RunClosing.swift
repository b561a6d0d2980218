import Coordinator
import Federation
import Transport

/// Prints what a coordinator's run came to, once: when its process ends, or, where that stays, when the run does.
struct RunClosing {
    private let prepared: PreparedRun
    private let json: Bool
    private let started: Instant
    private let stays: Bool
    private var outcome = RunOutcome()
    private var source: (service: RunService, state: CoordinatorState)?
    private var isPrinted = false
    private var failure: (any Error)?

    /// - Parameters:
    ///   - started: When the program started.
    ///   - stays: Whether the process outlives the end of its run.
    init(_ prepared: PreparedRun, json: Bool, started: Instant, stays: Bool) {
        self.prepared = prepared
        self.json = json
        self.started = started
        self.stays = stays
    }

    /// Whether the run's owner ended it before its last round.
    var wasStopped: Bool { outcome.wasStopped }

    /// Names what is read at the end; call it before the service begins.
    mutating func attach(_ service: RunService, _ state: CoordinatorState) { source = (service, state) }

    /// Told each event after the view has shown it.
    mutating func note(_ event: RunEvent, _ view: RunView) {
        outcome.note(event)
        guard stays, !isPrinted else { return }
        switch event {
        case .finished, .stopped: break
        default: return
        }
        view.clearProgress()
        do { try print() } catch { failure = error }
        Console.error("the run has ended; this coordinator stays until it is told to stop")
    }

    /// Prints unless that was done.
    mutating func close() throws {
        if let failure { throw failure }
        if !isPrinted { try print() }
    }

    private mutating func print() throws {
        guard let source else { return }
        isPrinted = true
        try outcome.recall(source.service, source.state.ledger)
        try outcome.close(
            prepared, adapter: source.state.directory.adapter, seconds: MonotonicClock.now().seconds(since: started),
            json: json)
    }
}
