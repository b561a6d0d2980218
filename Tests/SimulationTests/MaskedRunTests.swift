import Coordinator
import Federation
import Foundation
import GRDB
import ModelFiles
import SecureAggregation
import Simulation
import Testing
import Worker

@Suite("Runs under masks")
struct MaskedRunTests {
    @Test("the adapter is that of an unmasked run to one quantisation step a worker")
    func equalsUnmasked() throws {
        let masked = try MaskedFleet(rounds: 3)
        #expect(masked.run())
        let plain = try MaskedFleet(rounds: 3, isMasked: false)
        #expect(plain.run())
        #expect(masked.conversation.published.map(\.round) == [1, 2, 3])
        #expect(masked.conversation.published.map(\.workers) == [8, 8, 8])
        let (hidden, open) = (try masked.adapter, try plain.adapter)
        #expect(zip(hidden, open).allSatisfy { abs($0 - $1) <= 3 * masked.roundError(of: masked.names) + 1e-5 })
        // Not the same by accident of doing nothing.
        #expect(zip(open, masked.conversation.firstAdapter).contains { abs($0 - Double($1)) > 0.1 })
        #expect(masked.matchesClosedForm())
        #expect(try masked.failures == 0)
    }

    @Test("a worker that is gone from a step on costs nothing but its own update", arguments: 1...4)
    func dropout(after closed: Int) throws {
        let fleet = try MaskedFleet(rounds: 2)
        #expect(try fleet.run(untilClosed: closed))
        fleet.conversation.kill("d")
        #expect(fleet.run())
        #expect(try fleet.failures == 0)
        #expect(fleet.conversation.published.first?.workers == (closed <= 2 ? 7 : 8))
        #expect(fleet.conversation.accepted[1]?.contains("d") == (closed > 2))
        #expect(fleet.conversation.accepted[2]?.contains("d") == false)
        #expect(fleet.matchesClosedForm())
    }

    @Test("a restarted coordinator goes on with the same attempt and counts everybody once", arguments: 0...4)
    func coordinatorRestart(after closed: Int) throws {
        let fleet = try MaskedFleet(rounds: 2)
        #expect(try fleet.run(untilClosed: closed))
        fleet.conversation.killCoordinator()
        try fleet.conversation.startCoordinator()
        #expect(fleet.run())
        #expect(try fleet.failures == 0)
        #expect(fleet.conversation.published.map(\.workers) == [8, 8])
        #expect(fleet.matchesClosedForm())
    }

    @Test("a restarted worker goes on with the keys and the masked update it kept", arguments: 0...4)
    func workerRestart(after closed: Int) throws {
        let fleet = try MaskedFleet(rounds: 2)
        #expect(try fleet.run(untilClosed: closed))
        let secret = fleet.file("attempt", of: "d")
        let vector = fleet.file("vector", of: "d")
        #expect((vector == nil) == (closed < 3))
        try fleet.restart("d")
        #expect(try fleet.run(untilClosed: 4))
        if closed > 0 { #expect(fleet.file("attempt", of: "d") == secret) }
        if closed > 2 { #expect(fleet.file("vector", of: "d") == vector) }
        #expect(fleet.run())
        #expect(try fleet.failures == 0)
        #expect(fleet.conversation.published.map(\.workers) == [8, 8])
        #expect(fleet.matchesClosedForm())
    }

    @Test("a masked update that is kept is sent as it is, whatever training again would give")
    func keptUpdate() throws {
        let fleet = try MaskedFleet(rounds: 1)
        #expect(fleet.conversation.link.run(limitSeconds: 1_000) { fleet.file("vector", of: "d") != nil })
        let kept = try #require(fleet.file("vector", of: "d"))
        fleet.conversation.kill("d")
        // Another result of training from now on: it must not be masked by the same keys.
        let runner = FakeRunner(items: 5, slope: 7)
        fleet.runners["d"] = runner
        try fleet.conversation.startWorker("d", runner: runner)
        #expect(try fleet.run(untilClosed: 3))
        let object = ContentHash(of: Array(kept.dropFirst(16)))
        #expect(try fleet.objects["d"] == object.description)
        #expect(runner.started.isEmpty)
        #expect(fleet.run())
    }

    @Test("with too few left to take the masks off, another attempt takes fresh keys and succeeds")
    func failedAttempt() throws {
        let fleet = try MaskedFleet(rounds: 1)
        #expect(try fleet.run(untilClosed: 2))
        let before = try #require(fleet.file("attempt", of: "a"))
        for name in ["e", "f", "g", "h"] { fleet.conversation.kill(name) }
        #expect(fleet.conversation.link.run(limitSeconds: 1_000) { (try? fleet.failures) == 1 })
        #expect(try fleet.rows("maskMessage") == 0)
        for name in ["e", "f", "g", "h"] { try fleet.restart(name) }
        #expect(try fleet.run(untilClosed: 1))
        let after = try #require(fleet.file("attempt", of: "a"))
        #expect(before.dropFirst(16) != after.dropFirst(16))
        #expect(fleet.run())
        #expect(try fleet.failures == 1 && fleet.attempt(of: 1) == 2)
        #expect(fleet.conversation.published.first?.workers == 8)
        // Both attempts' updates were accepted; those of the second count.
        #expect(zip(try fleet.adapter, fleet.expected(of: fleet.names)).allSatisfy { abs($0 - $1) < 0.01 })
    }

    @Test("when the round is published, nothing of its masks is left at the coordinator, and no secret at a worker")
    func removal() throws {
        let fleet = try MaskedFleet(rounds: 1)
        #expect(try fleet.run(untilClosed: 3))
        let objects = try fleet.objects
        #expect(objects.count == 8)
        #expect(try fleet.rows("maskMessage") > 0 && fleet.rows("maskStep") > 0)
        #expect(fleet.run())
        #expect(try fleet.rows("maskMessage") == 0 && fleet.rows("maskStep") == 0)
        let stored = try fleet.storedFiles.map(\.bytes)
        #expect(!stored.isEmpty)
        for object in objects.values {
            #expect(!stored.contains { ContentHash(of: $0).description == object })
        }
        for name in fleet.names {
            #expect(fleet.file("attempt", of: name)?.count == 16)
            #expect(fleet.file("vector", of: name) == nil && fleet.file("shares", of: name) == nil)
        }
    }

    @Test("a worker takes part only in cohorts as large as its own settings ask for")
    func ownMinimum() throws {
        let fleet = try MaskedFleet(rounds: 1, starting: false)
        for name in fleet.names {
            fleet.conversation.adjustWorker = { $0.minimumMaskedCohort = name == "c" ? 9 : 7 }
            try fleet.start(name)
        }
        #expect(fleet.run())
        #expect(fleet.conversation.published.first?.workers == 7)
        let reason = fleet.conversation.events.compactMap { event -> String? in
            if case .workerDeclined(_, let worker, let reason) = event, worker.text == "c" { reason } else { nil }
        }.first
        #expect(reason?.contains("hides only among at least 9") == true)
        #expect(fleet.matchesClosedForm())
    }

    @Test("a worker refuses a coordinator that names another identity of a neighbour than before")
    func otherIdentity() throws {
        let fleet = try MaskedFleet(rounds: 2, starting: false)
        for name in fleet.names { try fleet.start(name) }
        #expect(fleet.conversation.link.run(limitSeconds: 1_000) { fleet.conversation.published.count == 1 })
        let path = try #require(fleet.path("identities", of: "c"))
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
            String(repeating: "ab", count: 32) + $0.dropFirst(64)
        }
        #expect(lines.count >= 4)
        try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        #expect(fleet.run())
        #expect(fleet.conversation.accepted[2]?.contains("c") == false)
        #expect(fleet.conversation.published.map(\.workers) == [8, 7])
    }

    @Test("files of a masked sum are for their owner alone")
    func permissions() throws {
        let fleet = try MaskedFleet(rounds: 1)
        #expect(try fleet.run(untilClosed: 3))
        for item in ["attempt", "neighbours", "shares", "vector", "identities"] {
            let path = try #require(fleet.path(item, of: "b"))
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(item)")
        }
    }
}
