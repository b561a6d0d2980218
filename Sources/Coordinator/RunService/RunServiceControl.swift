import Federation
import Wire

// MARK: - Pause, resume, stop
extension RunService {
    /// Another process may have asked for something in the ledger.
    func pollControl() throws {
        guard nextControlPoll <= now, farewellUntil == nil else { return }
        nextControlPoll = now.advanced(bySeconds: 1)
        let control = try ledger.control()
        switch control.request {
        case .stop: try beginStop()
        case .pause where !isPaused: pause(control)
        case .run where isPaused: try takeUpAgain()
        case .pause, .run: break
        }
    }

    /// Stops all work on the workers' machines. The open round stays in the ledger with the updates it has, as after
    /// a crash; leases end, and whoever trained is asked again when the run goes on.
    private func pause(_ control: RunControl) {
        isPaused = true
        pauseCause = control.cause
        let reason = "the run is paused" + (control.cause.map { ": \($0)" } ?? "")
        if let round {
            for worker in round.active { withdraw(worker, round.plan, because: reason) }
        }
        if let cohort {
            for worker in cohort.active {
                cancel(evaluationLease(of: worker, version: cohort.version), of: worker, because: reason)
            }
        }
        withdrawTasks(because: reason)
        round = nil
        buffer = nil
        cohort = nil
        forgetCandidate()
        uploads = [:]
        pendingOffers = PendingOffers()
        let text = reason + "; go on with: shoal run resume '\(state.path)'"
        noteWait(text)
        observe(.waiting(reason: text))
    }

    private func takeUpAgain() throws {
        isPaused = false
        pauseCause = nil
        noteWait(nil)
        lastWait = ""
        try takeUpOpenRound()
        for worker in trainers {
            try handle(.workerAvailable(worker))
            try resumeMasks(of: worker)
        }
    }

    /// The owner ends the run for good: workers may leave, the state stays.
    private func beginStop() throws {
        round = nil
        buffer = nil
        cohort = nil
        forgetCandidate()
        try saveCounters()
        beginFarewell(reason: "the run was stopped by its owner")
        observe(.stopped)
        endIfEveryoneLeft()
    }
}
