import Federation
import Synchronization
import Testing
import Worker

@Suite("A machine made slower for a simulation")
struct SlowdownTests {
    /// A clock that only sleeping and working move on.
    private final class Clock: Sendable {
        private let nanoseconds = Atomic<Int64>(0)
        private let slept = Atomic<Int64>(0)
        var now: Instant { Instant(nanoseconds: nanoseconds.load(ordering: .relaxed)) }
        var sleptSeconds: Double { Double(slept.load(ordering: .relaxed)) * 1e-9 }

        func work(_ seconds: Double) { nanoseconds.add(Int64(seconds * 1e9), ordering: .relaxed) }
        func sleep(_ seconds: Double) {
            work(seconds)
            slept.add(Int64(seconds * 1e9), ordering: .relaxed)
        }
    }

    private let clock = Clock()

    private func steps(factor: Double) -> Slowdown.Steps {
        Slowdown(factor: factor, now: { [clock] in clock.now }, sleep: { [clock] in clock.sleep($0) }).steps()
    }

    @Test("each step takes so many times as long as it took", arguments: [1, 2.5, 10])
    func factor(_ factor: Double) {
        var steps = steps(factor: factor)
        for (index, seconds) in [0.5, 0.125, 2].enumerated() {
            let before = clock.now
            clock.work(seconds)
            steps.stepEnded { true }
            #expect(abs(clock.now.seconds(since: before) - factor * seconds) < 1e-6, "step \(index)")
        }
    }

    @Test("waiting ends soon after the task is given up")
    func givenUp() {
        var steps = steps(factor: 10)
        clock.work(3)
        steps.stepEnded { [clock] in clock.sleptSeconds < 1 }
        #expect(clock.sleptSeconds >= 1 && clock.sleptSeconds < 1.1)
    }
}
