import Coordinator
import Federation
import Foundation
import GRDB
import ModelFiles
import Simulation
import Testing
import Worker

@Suite("A run under correlated noise")
struct CorrelatedNoiseRunTests {
    private static let names = ["a", "b", "c", "d", "e", "f"]

    private func options(rounds: Int, noise: Double = 0.05, epsilon: Double = 1e6) -> PrivacyOptions {
        PrivacyOptions(
            mechanism: .ftrl, epsilon: epsilon, delta: 1e-5, noiseMultiplier: noise, clip: 0.5, workers: 6,
            expectedWorkers: 2, plannedRounds: rounds, separation: 3)
    }

    private func conversation(rounds: Int, _ privacy: PrivacyOptions) throws -> Conversation {
        let conversation = try Conversation(rounds: rounds, workersPerRound: 2, minimumConnected: 6)
        conversation.settings.privacy = privacy
        conversation.settings.hasSeededPrivacy = true
        conversation.settings.withholdsMetrics = true
        try conversation.startCoordinator()
        try conversation.allow(Self.names)
        for (index, name) in Self.names.enumerated() {
            try conversation.startWorker(
                name, runner: FakeRunner(items: UInt64(10 * index + 1), slope: Double(index) - 1.3))
        }
        return conversation
    }

    private func taking(_ conversation: Conversation, round: Int) throws -> Set<String> {
        Set(try conversation.keys.updates(round: round, attempt: 1).map(\.worker.text))
    }

    @Test("asks nobody twice within three rounds, and pays once for as many")
    func rests() throws {
        let conversation = try conversation(rounds: 7, options(rounds: 7))
        #expect(conversation.runToEnd())
        let rounds = try (1...7).map { try taking(conversation, round: $0) }
        #expect(rounds.allSatisfy { $0.count == 2 })
        for start in 0...4 { #expect(Set(rounds[start..<start + 3].flatMap { $0 }).count == 6) }
        let entries = try conversation.keys.privacyEntries()
        #expect(entries.map(\.round) == [1, 4, 7] && entries.allSatisfy(\.isReleased))
        #expect(entries.allSatisfy { $0.step.samplingRate == 1 && $0.step.noiseMultiplier == 0.05 })
        // Nothing hides who took part: the records name them.
        let audit = try RecordAudit(ledger: conversation.keys, state: conversation.root + "/state")
        #expect(audit.finding == nil && audit.records == 7)
    }

    @Test("its noise partly cancels over the rounds, as planned")
    func cancels() throws {
        let rounds = 30
        let conversation = try conversation(rounds: rounds, options(rounds: rounds, noise: 4))
        #expect(conversation.runToEnd())
        let root = BandedSquareRoot.best(separation: 3, rounds: rounds)
        #expect(root.bands == 3)
        // Without noise the adapter would be where the clipped shifts took it.
        var expected = conversation.firstAdapter.map(Double.init)
        for round in 1...rounds {
            for name in try taking(conversation, round: round) {
                guard let runner = conversation.workers[name]?.runner else { continue }
                let shift = expected.indices.map { runner.shift($0) }
                let norm = shift.reduce(0) { $0 + $1 * $1 }.squareRoot()
                for index in expected.indices { expected[index] += shift[index] * min(1, 0.5 / norm) / 2 }
            }
        }
        let values = try #require(conversation.service?.currentAdapter.values)
        let errors = zip(values, expected).map { Double($0) - $1 }
        let deviation = (errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)).squareRoot()
        // Of the last sum of rounds, from the closed form of C⁻¹'s running sums; 14 values.
        var sums: [Double] = []
        var inverse: [Double] = []
        for row in 0..<rounds {
            let earlier = (1..<3).reduce(0.0) { $1 <= row ? $0 + root.coefficients[$1] * inverse[row - $1] : $0 }
            inverse.append((row == 0 ? 1 : 0) - earlier)
            sums.append((sums.last ?? 0) + inverse[row])
        }
        let planned = 4 * root.columnNorm * 0.5 / 2 * sums.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(deviation > planned / 2 && deviation < 2 * planned)
        #expect(2 * planned < 4 * 0.5 / 2 * Double(rounds).squareRoot() * 2)
    }

    @Test("a restarted coordinator goes on with the noise of the rounds before: the same adapter, bit for bit")
    func restart() throws {
        let undisturbed = try conversation(rounds: 6, options(rounds: 6))
        #expect(undisturbed.runToEnd())
        let conversation = try conversation(rounds: 6, options(rounds: 6))
        for version in [2, 3] {
            #expect(
                conversation.link.run(limitSeconds: 1_000) {
                    conversation.service?.currentAdapter.version == version
                })
            conversation.killCoordinator()
            try conversation.startCoordinator()
        }
        #expect(conversation.runToEnd())
        let values = try #require(conversation.service?.currentAdapter.values)
        #expect(values == undisturbed.service?.currentAdapter.values)
        #expect(try conversation.keys.privacyEntries().map(\.round) == [1, 4])
    }

    @Test("keys of published noise are gone, and of the noise itself as much is kept as the next rounds depend on")
    func forgets() throws {
        let conversation = try conversation(rounds: 6, options(rounds: 6))
        #expect(conversation.runToEnd())
        let database = try DatabaseQueue(path: conversation.root + "/state/ledger.sqlite")
        let keys = try database.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM correlatedNoise") }
        let spent = try database.read {
            try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM privacyEntry WHERE noiseKey IS NOT NULL")
        }
        #expect(keys == 0 && spent == 0)
        let kept = try database.read { try Row.fetchAll($0, sql: "SELECT * FROM publishedNoise ORDER BY round") }
        // Three bands look two rounds back.
        #expect(kept.map { $0["round"] as Int } == [5, 6])
        let blobs = conversation.root + "/state/blobs"
        let files = try FileManager.default.subpathsOfDirectory(atPath: blobs).filter {
            (try? Data(contentsOf: URL(filePath: blobs + "/" + $0)))?.count == 14 * 4
        }
        #expect(Set(files.map { String($0.dropFirst(3)) }) == Set(kept.map { $0["object"] as String }))
    }

    @Test("stops before a round that the budget does not pay for, and nobody trains for it")
    func refusal() throws {
        // Noise for one turn of each worker, and three are asked for.
        let noise = try NoiseCalibration.noiseMultiplier(epsilon: 8, delta: 1e-5, samplingRate: 1, rounds: 1)
        let conversation = try conversation(rounds: 9, options(rounds: 9, noise: noise, epsilon: 8))
        func isPaused() -> Bool { (try? conversation.keys.control().request) == .pause }
        #expect(conversation.link.run(limitSeconds: 10_000, until: isPaused))
        #expect(try conversation.keys.control().cause?.hasPrefix("round 4 would overspend") == true)
        #expect(conversation.service?.currentAdapter.version == 3)
        #expect(try conversation.keys.privacyEntries().map(\.round) == [1])
        #expect(try conversation.keys.updates(round: 4, attempt: 1).isEmpty)
    }
}
