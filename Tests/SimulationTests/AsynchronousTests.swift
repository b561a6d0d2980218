import Coordinator
import Federation
import Foundation
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

@Suite("An asynchronous run over the link")
struct AsynchronousTests {
    private static let names = ["a", "b", "c", "d", "e", "f"]
    /// A step's virtual time; a task has ten.
    private static let pace = [0.11, 0.13, 0.17, 0.19, 0.9, 1.7]

    private func makeConversation(
        rounds: Int = 6, size: Int = 3, concurrency: Int = 4, maximumStaleness: Int = 20,
        strategy: ServerStrategy = .fedAvg, faults: LinkFaults = .none, seed: UInt64 = 7
    ) throws -> Conversation {
        let conversation = try Conversation(
            rounds: rounds, workersPerRound: 3, minimumConnected: Self.names.count, seed: seed, faults: faults)
        conversation.settings.strategy = strategy
        conversation.settings.buffering = BufferOptions(
            size: size, stalenessExponent: 0.5, maximumStaleness: maximumStaleness, concurrency: concurrency)
        try conversation.startCoordinator()
        try conversation.allow(Self.names)
        for index in Self.names.indices { try start(index, in: conversation) }
        return conversation
    }

    private func start(_ index: Int, in conversation: Conversation) throws {
        try conversation.startWorker(
            Self.names[index], runner: FakeRunner(items: UInt64(index + 1), slope: 0.2 * Double(index) - 0.5),
            secondsPerStep: Self.pace[index])
    }

    /// Takes the ledger's word for what counted when, and FedBuff's definition for what that makes:
    /// `w += Σ nₖ (1 + sₖ)^−½ Δₖ / Σ nₖ`.
    private func expectedAdapter(_ conversation: Conversation) throws -> [Double] {
        var values = conversation.firstAdapter.map(Double.init)
        for round in 1...conversation.settings.rounds {
            let counted = try conversation.keys.countedUpdates(in: round)
            let total = counted.reduce(0) { $0 + Double($1.record.items) }
            for update in counted {
                let runner = try #require(conversation.workers[update.record.worker.text]?.runner)
                #expect(update.record.items == runner.items)
                let weight = Double(runner.items) / Double(1 + round - update.askedIn).squareRoot() / total
                for index in values.indices { values[index] += weight * runner.shift(index) }
            }
        }
        return values
    }

    private func expectClosedForm(_ conversation: Conversation) throws {
        let values = try #require(conversation.service?.currentAdapter.values)
        let expected = try expectedAdapter(conversation)
        #expect(zip(values, expected).allSatisfy { abs(Double($0) - $1) < 1e-4 })
    }

    /// Every round has exactly its buffer's updates, none of them in two.
    private func expectEachCountedOnce(_ conversation: Conversation) throws -> [CountedUpdate] {
        let size = try #require(conversation.settings.buffering?.size)
        let counted = try (1...conversation.settings.rounds).flatMap { round in
            let counted = try conversation.keys.countedUpdates(in: round)
            #expect(counted.count == size)
            return counted
        }
        #expect(Set(counted.map { "\($0.record.worker) \($0.askedIn)" }).count == counted.count)
        return counted
    }

    @Test func itPublishesABufferAtATimeWhileSlowWorkersGoOn() throws {
        let conversation = try makeConversation()
        var versions: [Int: Set<ContentHash>] = [:]
        conversation.link.watch = { envelope, _ in
            guard case .offer(let offer) = envelope.message else { return }
            versions[Int(envelope.round), default: []].insert(offer.adapter)
        }
        #expect(conversation.runToEnd())
        #expect(conversation.published.map(\.round) == Array(1...6))
        let counted = try expectEachCountedOnce(conversation)
        // The slowest took part, and its update was old by then.
        #expect(counted.contains { $0.staleness > 0 } && counted.contains { $0.staleness == 0 })
        #expect(conversation.published.contains { ($0.staleness ?? 0) > 0 })
        // Whoever was asked in round r started from version r − 1.
        #expect(versions.count == 6)
        for (round, adapters) in versions {
            #expect(try adapters == [#require(try conversation.keys.adapter(version: round - 1))])
        }
        try expectClosedForm(conversation)
        #expect(conversation.workers.values.allSatisfy { $0.service?.outcome == .finished })
    }

    @Test func aWorkerHearsWhichRoundItsUpdateCountsIn() throws {
        // Lost answers are asked for again, of what the ledger has.
        let faults = LinkFaults(loss: 0.1, duplication: 0.1, delaySeconds: 0.001...0.5)
        let conversation = try makeConversation(faults: faults)
        var told: Set<String> = []
        var (later, leases) = (0, [UInt64: String]())
        conversation.link.watch = { envelope, _ in
            switch envelope.message {
            // Whose answer it is, the connection knows; here, a worker's own bytes tell.
            case .updateBegin(let begin): leases[begin.lease] = begin.object.description
            case .updateWhole(let commit): leases[commit.lease] = commit.object.description
            case .updateAck(let ack) where ack.state == .committed:
                let round = Int(envelope.round)
                later += (ack.countsIn ?? round) > round ? 1 : 0
                if let object = leases[ack.lease] { told.insert("\(object) \(round) \(ack.countsIn ?? round)") }
            default: break
            }
        }
        #expect(conversation.runToEnd())
        let counted = try (1...conversation.settings.rounds).flatMap { round in
            try conversation.keys.countedUpdates(in: round).map { "\($0.record.object) \($0.askedIn) \(round)" }
        }
        #expect(later > 0 && told.count >= counted.count / 2)
        // The last buffer's updates may have been told, and the run ended.
        #expect(told.subtracting(counted).allSatisfy { $0.hasSuffix(" \(conversation.settings.rounds + 1)") })
    }

    @Test func coresBetweenFixedFactorsAreBufferedAsAnAdapterIs() throws {
        let conversation = try Conversation(rounds: 5, workersPerRound: 3, minimumConnected: Self.names.count)
        conversation.settings.aggregation = .fedSB
        conversation.settings.buffering = BufferOptions(size: 3, concurrency: 4)
        let outer = conversation.layout
        let fixed = [Float](repeating: 3, count: outer.parameterCount)
        conversation.fixedFactors = FixedFactors(layout: outer, values: fixed) { values in values.map { 3 * $0 } }
        try conversation.startCoordinator()
        try conversation.allow(Self.names)
        for index in Self.names.indices { try start(index, in: conversation) }
        #expect(conversation.runToEnd())
        #expect(try expectEachCountedOnce(conversation).contains { $0.staleness > 0 })
        try expectClosedForm(conversation)
        let values = try #require(conversation.service?.currentAdapter.values)
        #expect(
            try AdapterDirectory.read(conversation.root + "/state/adapter").values == values.map { 3 * $0 })
        for task in conversation.workers.values.flatMap(\.runner.started) {
            #expect(task.fixedFactors?.values == fixed)
        }
    }

    @Test func aSlowWorkerHoldsNobodyUp() throws {
        let conversation = try makeConversation(rounds: 6, size: 3, concurrency: 6)
        #expect(conversation.link.run(limitSeconds: 1_000) { conversation.service?.currentAdapter.version == 6 })
        // The last of six takes 17 seconds for one update; waiting for it each time would take minutes.
        #expect(conversation.link.now.seconds(since: Instant(nanoseconds: 0)) < 17)
    }

    @Test("the record replays bit for bit", arguments: [ServerStrategy.fedAvg, .fedAdam(AdaptiveOptions())])
    func replay(_ strategy: ServerStrategy) throws {
        let adapters = try (0..<2).map { _ in
            let conversation = try makeConversation(strategy: strategy)
            #expect(conversation.runToEnd())
            return conversation.service?.currentAdapter.values
        }
        #expect(adapters[0] == adapters[1] && adapters[0] != nil)
    }

    @Test("finishes over a link that loses, duplicates and reorders", arguments: [UInt64](1...6))
    func lossyLink(seed: UInt64) throws {
        let conversation = try makeConversation(
            faults: LinkFaults(loss: 0.2, duplication: 0.2, delaySeconds: 0.001...1.5), seed: seed)
        #expect(conversation.runToEnd())
        guard case .finished = conversation.service?.outcome else {
            Issue.record("\(String(describing: conversation.service?.outcome))")
            return
        }
        _ = try expectEachCountedOnce(conversation)
        try expectClosedForm(conversation)
    }

    @Test("a coordinator killed anywhere counts every acknowledged update once", arguments: 1...30)
    func restart(messages: Int) throws {
        let conversation = try makeConversation(rounds: 5)
        var count = 0
        var acknowledged: Set<UInt64> = []
        conversation.link.watch = { envelope, isUp in
            count += isUp ? 1 : 0
            if case .updateAck(let ack) = envelope.message, ack.state == .committed { acknowledged.insert(ack.lease) }
        }
        #expect(conversation.link.run(limitSeconds: 1_000) { count >= 4 * messages || conversation.isOver })
        conversation.killCoordinator()
        _ = conversation.link.run(limitSeconds: 5) { false }
        try conversation.startCoordinator()
        #expect(conversation.runToEnd())
        let counted = try expectEachCountedOnce(conversation)
        let leases = counted.map { update in
            Lease.identifier(
                run: RunID(bits: 42), round: update.askedIn, attempt: 1, worker: update.record.worker, task: .train)
        }
        #expect(acknowledged.isSubset(of: leases))
        try expectClosedForm(conversation)
    }

    @Test("a worker killed while it trains or uploads takes up its task or loses it", arguments: [6, 15, 24, 33])
    func workerRestart(messages: Int) throws {
        let conversation = try makeConversation(rounds: 5)
        var count = 0
        conversation.link.watch = { _, isUp in count += isUp ? 1 : 0 }
        #expect(conversation.link.run(limitSeconds: 1_000) { count >= messages })
        for index in [1, 5] { conversation.kill(Self.names[index]) }
        _ = conversation.link.run(limitSeconds: 3) { false }
        for index in [1, 5] { try start(index, in: conversation) }
        #expect(conversation.runToEnd())
        _ = try expectEachCountedOnce(conversation)
        try expectClosedForm(conversation)
    }

    @Test func whatIsTooOldIsWithdrawnAndItsUpdateRefusedWithTheReason() throws {
        let conversation = try makeConversation(rounds: 8, size: 2, concurrency: 6, maximumStaleness: 2)
        var cancelled: [String] = []
        conversation.link.watch = { envelope, _ in
            if case .cancel(let cancel) = envelope.message { cancelled.append(cancel.reason) }
        }
        #expect(conversation.runToEnd())
        #expect(
            cancelled.contains { $0.contains("3 versions old") && $0.contains("federation.maximum-staleness is 2") })
        let counted = try expectEachCountedOnce(conversation)
        #expect(counted.allSatisfy { $0.staleness <= 2 })
        #expect(!counted.contains { $0.record.worker.text == "f" })
        // Nothing of it was trained in vain to its end.
        #expect(conversation.workers["f"]?.runner.started.isEmpty == true)
        try expectClosedForm(conversation)
    }

    @Test func aWorkerThatDoesNotHearOfItIsToldWhenItsUpdateComes() throws {
        let conversation = try Conversation(rounds: 9, workersPerRound: 2, minimumConnected: 3)
        conversation.settings.buffering = BufferOptions(size: 1, maximumStaleness: 1, concurrency: 3)
        try conversation.startCoordinator()
        try conversation.allow(["a", "b", "deaf"])
        let end = conversation.link.addWorker(keys: [.own: Conversation.key("deaf", 1)])
        let worker = HandWrittenWorker(end: end)
        conversation.link.attach(worker, to: end, keys: .own)
        #expect(conversation.link.run(limitSeconds: 1) { worker.isConnected })
        worker.say(
            .hello(Hello(software: "", features: [], codecs: [.dense], cores: 1, memoryBytes: 1, baseModel: nil)))
        for name in ["a", "b"] {
            try conversation.startWorker(name, runner: FakeRunner(items: 1, slope: 1), secondsPerStep: 0.1)
        }
        #expect(conversation.link.run(limitSeconds: 20) { (conversation.service?.currentAdapter.version ?? 0) >= 3 })
        let lease = try #require(worker.lease)
        let bytes = DenseCodec().encode([Float](repeating: 1, count: 14))
        worker.say(
            .updateBegin(
                UpdateBegin(
                    lease: lease, object: ContentHash(of: bytes), totalBytes: UInt64(bytes.count), codec: .dense)),
            round: 1)
        _ = conversation.link.run(limitSeconds: 0.1) { false }
        guard case .rejected(let reason)? = worker.lastAck else {
            Issue.record("a stale update was let in")
            return
        }
        #expect(reason.contains("versions old") && reason.contains("federation.maximum-staleness"))
        // Nor can it hide its age behind another round's number.
        worker.say(
            .updateBegin(
                UpdateBegin(
                    lease: lease, object: ContentHash(of: bytes), totalBytes: UInt64(bytes.count), codec: .dense)),
            round: 4)
        _ = conversation.link.run(limitSeconds: 0.1) { false }
        #expect(worker.lastAck == .rejected(reason: "this lease is not one of this run"))
    }

    @Test func aLargerBufferThanAnybodyIsLeftForSaysWhy() throws {
        let conversation = try makeConversation(rounds: 2, size: 6, concurrency: 6)
        #expect(conversation.link.run(limitSeconds: 5) { !conversation.accepted.isEmpty })
        conversation.kill("f")
        #expect(!conversation.link.run(limitSeconds: 200) { conversation.isOver })
        let waits = conversation.events.compactMap { if case .waiting(let reason) = $0 { reason } else { nil } }
        #expect(waits.last?.contains("5 of 6 updates") == true && waits.last?.contains("start more workers") == true)
        try start(5, in: conversation)
        #expect(conversation.runToEnd())
        try expectClosedForm(conversation)
    }
}
