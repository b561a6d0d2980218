import Coordinator
import Federation
import Foundation
import GRDB
import Recipe
import Simulation
import Testing
import Wire
import Worker

@Suite("How updates come")
struct CourseTests {
    @Test func theLedgerKnowsWhatARoundsTimeWentInto() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try conversation.allow(["a", "b"])
        // Of three seconds and of twelve: the fake training takes `localSteps` steps.
        let steps = Double(conversation.settings.training.localSteps)
        for (name, seconds) in [("a", 3.0), ("b", 12.0)] {
            let runner = FakeRunner(items: 1, slope: 0.5)
            runner.cost = TaskCost(seconds: seconds)
            try conversation.startWorker(name, runner: runner, secondsPerStep: seconds / steps)
        }
        #expect(conversation.runToEnd())
        let arrivals = try RunHistory(ledger: conversation.keys).newestArrivals
        #expect(arrivals.map(\.worker.text) == ["a", "b"])
        #expect(arrivals.map(\.trainingSeconds) == [3, 12])
        for arrival in arrivals {
            let course = try #require(arrival.course)
            let (answered, sent) = (try #require(course.answered), try #require(course.sent))
            #expect(course.offered >= 0 && course.offered <= answered)
            #expect(answered < sent && sent <= course.recorded)
            // Training is what lies between, and messages take little time on this link.
            let between = sent - answered
            let trained = try #require(arrival.trainingSeconds)
            #expect(between >= trained && between < trained + 2, "\(between) s for \(trained) s")
        }
        let round = try #require(try RunHistory(ledger: conversation.keys).rounds.last)
        #expect(try #require(arrivals.last?.course?.recorded) <= round.seconds)
    }

    @Test func aRestartedCoordinatorCountsFromWhenTheRoundWasOpened() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        try conversation.startCoordinator()
        try conversation.allow(["a"])
        let runner = FakeRunner(items: 1, slope: 0.5)
        runner.isHeld = true
        try conversation.startWorker("a", runner: runner)
        #expect(conversation.link.run(limitSeconds: 100) { runner.started.count == 1 })
        conversation.killCoordinator()
        // The ledger's clock stands at 1,000: the round has been open for 40 seconds.
        try DatabaseQueue(path: StateDirectory.ledger(in: conversation.root + "/state")).write { database in
            try database.execute(sql: "UPDATE round SET openedAt = 960")
        }
        try conversation.startCoordinator()
        runner.isHeld = false
        runner.release()
        #expect(conversation.runToEnd())
        let course = try #require(try RunHistory(ledger: conversation.keys).newestArrivals.first?.course)
        #expect(course.offered >= 40 && course.recorded < 100)
    }
}
