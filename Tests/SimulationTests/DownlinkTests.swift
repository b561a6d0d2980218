import Coordinator
import Federation
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

@Suite("Adapters that travel as changes")
struct DownlinkTests {
    private let names = ["a", "b", "c", "d"]

    private func conversation(
        _ downlink: String, _ aggregation: FactorAggregation = .separate, rounds: Int = 6, faults: LinkFaults = .none
    ) throws -> Conversation {
        let conversation = try Conversation(
            rounds: rounds, workersPerRound: 3, minimumConnected: 4, seed: 5, faults: faults)
        conversation.settings.downlink = try #require(CodecName(downlink))
        conversation.settings.aggregation = aggregation
        if aggregation == .fedSA { conversation.settings.evaluationSource = .workers }
        try conversation.allow(names)
        try conversation.startCoordinator()
        for (index, name) in names.enumerated() {
            try conversation.startWorker(name, runner: FakeRunner(items: UInt64(index + 1), slope: Double(index) - 0.5))
        }
        return conversation
    }

    /// What each round's tasks started from, against the adapters that the coordinator wrote to its disk.
    private func startsAreThePublishedOnes(_ conversation: Conversation) throws -> Bool {
        for member in conversation.workers.values {
            for task in member.runner.started where task.round > 1 {
                let folder = conversation.root + "/state/adapters/" + String(String(10_000 + task.round - 1).suffix(4))
                guard try AdapterDirectory.read(folder).values == task.values else { return false }
            }
        }
        return true
    }

    @Test(
        "workers start from the coordinator's adapter, whatever the link loses",
        arguments: ["bfloat16", "ternary:density=0.2", "eden:bits=4"],
        [LinkFaults.none, LinkFaults(loss: 0.2, duplication: 0.2, delaySeconds: 0.001...1.5)])
    func sameAdapter(_ downlink: String, _ faults: LinkFaults) throws {
        let conversation = try conversation(downlink, faults: faults)
        #expect(conversation.runToEnd())
        #expect(conversation.published.map(\.round) == Array(1...6))
        #expect(try startsAreThePublishedOnes(conversation))
    }

    /// The part of the adapter that a task starts from which is the run's: not a factor of the worker's own.
    private func shared(_ values: [Float], _ aggregation: FactorAggregation, _ layout: AdapterLayout) -> [Float] {
        AdapterPart(of: layout, without: aggregation.ownFactor).gather(values)
    }

    @Test(
        "changes hold only what a method averages: a frozen factor stays to the bit, whatever the codec loses",
        arguments: [FactorAggregation.ffaLoRA, .roLoRA, .fedSA, .fedSB], ["ternary:density=0.2", "eden:bits=4"])
    func partial(_ aggregation: FactorAggregation, _ downlink: String) throws {
        let conversation = try conversation(downlink, aggregation)
        var partial = 0
        conversation.link.watch = { envelope, _ in
            guard case .offer(let offer) = envelope.message, let catchUp = offer.catchUp else { return }
            partial += catchUp.frozenFactors.contains { $0 != nil } ? 1 : 0
        }
        #expect(conversation.runToEnd())
        #expect((partial > 0) == (aggregation != .fedSB))
        let layout = conversation.layout
        var before = conversation.firstAdapter
        for round in 1...6 {
            let folder = conversation.root + "/state/adapters/" + String(String(10_000 + round).suffix(4))
            let values = try AdapterDirectory.read(folder).values
            let sent = Set(aggregation.part(of: layout, round: round).ranges.flatMap { $0 })
            #expect(values.indices.allSatisfy { sent.contains($0) || values[$0] == before[$0] })
            #expect(values != before)
            for runner in conversation.workers.values.map(\.runner) {
                for task in runner.started where task.kind == .train && task.round == round + 1 {
                    #expect(shared(task.values, aggregation, layout) == shared(values, aggregation, layout))
                }
            }
            before = values
        }
    }

    @Test("a worker of a release that does not know such changes gets the adapter whole")
    func older() throws {
        let conversation = try conversation("bfloat16", .roLoRA, rounds: 3)
        var (offers, catchUps) = (0, 0)
        conversation.link.watch = { envelope, _ in
            guard case .offer(let offer) = envelope.message else { return }
            offers += 1
            catchUps += offer.catchUp == nil ? 0 : 1
        }
        conversation.link.rewrite = { envelope in
            guard case .hello(var hello) = envelope.message else { return }
            hello.features.removeAll { $0 == Feature.partialChanges }
            envelope.message = .hello(hello)
        }
        #expect(conversation.runToEnd())
        #expect(offers >= 9 && catchUps == 0)
        #expect(try startsAreThePublishedOnes(conversation))
    }

    @Test("changes are what travels, and the adapter comes near what it would be without them")
    func smaller() throws {
        let dense = try conversation("dense")
        #expect(dense.runToEnd() && dense.matchesClosedForm())
        let changes = try conversation("bfloat16")
        #expect(changes.runToEnd())
        let (whole, less) = (try #require(dense.published.last), try #require(changes.published.last))
        #expect(less.downlinkBytes < whole.downlinkBytes)
        // What bfloat16 leaves out of six changes is fed back: at most the last one's error is left.
        let values = try #require(changes.service?.currentAdapter.values)
        for (value, expected) in zip(values, changes.expectedAdapter()) {
            #expect(abs(Double(value) - expected) < 0.01)
        }
    }

    @Test("a coordinator killed in the middle and a worker that starts anew end at the same adapter")
    func restarts() throws {
        let calm = try conversation("ternary:density=0.2")
        #expect(calm.runToEnd())
        let disturbed = try conversation("ternary:density=0.2")
        #expect(disturbed.link.run(limitSeconds: 1_000) { disturbed.published.count == 2 })
        disturbed.killCoordinator()
        disturbed.kill("b")
        try disturbed.startCoordinator()
        try disturbed.startWorker("b", runner: FakeRunner(items: 2, slope: 0.5))
        #expect(disturbed.runToEnd())
        #expect(try startsAreThePublishedOnes(disturbed))
        #expect(disturbed.accepted.mapValues { $0.sorted() } == calm.accepted.mapValues { $0.sorted() })
        #expect(disturbed.service?.currentAdapter.values == calm.service?.currentAdapter.values)
    }
}
