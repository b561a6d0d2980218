/// Adds up the time that several pieces of work take.
struct Stopwatch: Sendable {
    private(set) var seconds = 0.0

    mutating func measure<Result>(_ work: () throws -> Result) rethrows -> Result {
        let start = ContinuousClock.now
        defer { seconds += (ContinuousClock.now - start) / .seconds(1) }
        return try work()
    }
}
