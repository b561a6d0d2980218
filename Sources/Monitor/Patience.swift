/// How long a running run may wait for one thing before somebody should look: the page, the API and the metrics all judge
/// by it. What is waited for changes with every update that comes, so a wait is a time without progress.
package enum Patience {
    /// Nobody is at work while the run waits for workers to come.
    package static let forWorkersSeconds = 600.0
    /// Before the first round of a run without a deadline nothing says how long a round takes.
    package static let beforeFirstRoundSeconds = 6 * 3_600.0
    package static let leastSeconds = 60.0

    /// Twice what a round takes: its deadline, or the newest rounds' usual time where that is longer, as with an evaluation
    /// that a gate waits for.
    ///
    /// - Parameters:
    ///   - waitsForWorkers: Whether it waits for workers to come.
    ///   - deadline: `federation.deadline`. Unit: seconds.
    ///   - roundTime: Median of the newest rounds; `nil` before the first. Unit: seconds.
    /// - Returns: Unit: seconds.
    package static func seconds(waitsForWorkers: Bool, deadline: Double?, roundTime: Double?) -> Double {
        if waitsForWorkers { return forWorkersSeconds }
        guard let expected = [deadline, roundTime].compactMap({ $0 }).max() else { return beforeFirstRoundSeconds }
        return max(leastSeconds, 2 * expected)
    }
}
