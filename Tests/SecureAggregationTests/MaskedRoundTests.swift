import Crypto
import Federation
import SecureAggregation
import Testing

@Suite("A round under masks")
struct MaskedRoundTests {
    private static let plan = MaskedRound.Plan(asked: 6, stepSeconds: 30, vectorSeconds: nil, leaseSeconds: 10)

    private static func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

    /// Six workers and a round that has heard of none of them.
    private struct Scene {
        var cohort: MaskedCohort
        var round: MaskedRound

        init(_ count: Int = 6, plan: MaskedRound.Plan = MaskedRoundTests.plan, minimum: Int = 3) throws {
            cohort = try MaskedCohort(count, minimum: minimum)
            let keys = cohort.identities.mapValues { Array($0.publicKey.rawRepresentation) }
            round = MaskedRound(
                plan, in: cohort.context, under: cohort.terms, identity: { keys[$0] }, at: MaskedRoundTests.at(0))
        }

        /// Has these workers answer what began the present step.
        mutating func answer(_ names: [WorkerName], at seconds: Double) throws {
            for name in names {
                round.hear(name, at: MaskedRoundTests.at(seconds))
                if round.step == .vectors {
                    let vector = try vector(of: name)
                    #expect(round.refusal(ofVector: vector.count, from: name) == nil)
                    try round.take(vector: vector, from: name)
                } else {
                    #expect(round.take(try message(of: name), of: round.step, from: name) == .taken)
                }
            }
        }

        mutating func vector(of name: WorkerName) throws -> [UInt8] {
            let shares = try RoutedShares(#require(round.opening(of: .vectors, for: name)))
            var worker = try #require(cohort.workers[name])
            defer { cohort.workers[name] = worker }
            return try worker.mask(cohort.words(name), with: shares)
        }

        mutating func message(of name: WorkerName) throws -> [UInt8] {
            let opening = round.opening(of: round.step, for: name) ?? []
            let bytes: [UInt8]? =
                switch round.step {
                case .keys: cohort.workers[name]?.advertise().bytes
                case .shares: try cohort.workers[name]?.share(IntroducedNeighbours(opening).keys).bytes
                case .vectors: nil
                case .signatures: try cohort.workers[name]?.sign(SurvivorSet(opening)).bytes
                case .reveals: try cohort.workers[name]?.reveal(NeighbourSignatures(opening)).bytes
                }
            return try #require(bytes)
        }

        mutating func pass(at seconds: Double) throws {
            try answer(cohort.names, at: seconds)
            #expect(round.isDue(at: MaskedRoundTests.at(seconds)))
            _ = try round.close(at: MaskedRoundTests.at(seconds))
        }
    }

    @Test("answers of all close every step at once, and the sum is that of the updates")
    func whole() throws {
        var scene = try Scene()
        for _ in 0..<5 { try scene.pass(at: 1) }
        let sum = try #require(scene.round.sum)
        #expect(sum.survivors == scene.cohort.names)
        #expect(sum.sum.all == scene.cohort.plainSum(of: scene.cohort.names))
        #expect(!scene.round.isDue(at: Self.at(1_000)) && scene.round.nextDue(after: Self.at(1)) == nil)
    }

    @Test("keys close without everybody at their deadline, and never with fewer than the minimum")
    func keys() throws {
        var scene = try Scene()
        try scene.answer(Array(scene.cohort.names.prefix(2)), at: 1)
        #expect(!scene.round.isDue(at: Self.at(29)) && !scene.round.isDue(at: Self.at(3_000)))
        #expect(scene.round.nextDue(after: Self.at(1)) == Self.at(30))
        // Three are as many as asked for, and no graph of three masks survives the loss of one.
        try scene.answer([scene.cohort.names[4]], at: 31)
        #expect(!scene.round.isDue(at: Self.at(31)))
        try scene.answer([scene.cohort.names[5]], at: 32)
        #expect(!scene.round.isDue(at: Self.at(29)) && scene.round.isDue(at: Self.at(32)))
        let closing = try scene.round.close(at: Self.at(32))
        #expect(closing.messages.keys.sorted() == [0, 1, 4, 5].map { scene.cohort.names[$0] })
        #expect(scene.round.cohort == closing.messages.keys.sorted())
    }

    @Test("a worker that is silent for a lease is given up, one that gives signs of life at the step's deadline")
    func absence() throws {
        var scene = try Scene()
        try scene.pass(at: 1)
        try scene.answer(Array(scene.cohort.names.dropLast()), at: 2)
        let last = scene.cohort.names[5]
        #expect(scene.round.missing == [last])
        #expect(!scene.round.isDue(at: Self.at(10.9)))
        #expect(scene.round.nextDue(after: Self.at(2)) == Self.at(11))
        #expect(scene.round.isDue(at: Self.at(11)))
        scene.round.note(.renewed(last), at: Self.at(10))
        #expect(!scene.round.isDue(at: Self.at(11)) && !scene.round.isDue(at: Self.at(19.9)))
        for second in stride(from: 15.0, to: 40, by: 5) { scene.round.hear(last, at: Self.at(second)) }
        #expect(!scene.round.isDue(at: Self.at(30.9)) && scene.round.isDue(at: Self.at(31)))
        let closing = try scene.round.close(at: Self.at(31))
        #expect(closing.leftOut == [last] && closing.messages[last] == nil && closing.messages.count == 5)
        #expect(!scene.round.isMember(last))
    }

    @Test("a worker that declines is not waited for; one that nobody could hear is heard of anew")
    func declined() throws {
        var scene = try Scene()
        try scene.pass(at: 1)
        try scene.answer(Array(scene.cohort.names.dropLast()), at: 2)
        #expect(!scene.round.isDue(at: Self.at(3)))
        scene.round.note(.clockStalled, at: Self.at(100))
        #expect(!scene.round.isDue(at: Self.at(29)))
        scene.round.decline(scene.cohort.names[5])
        #expect(scene.round.isDue(at: Self.at(3)))
    }

    @Test("vectors have no deadline of their own; with the round's, they close once they suffice")
    func vectors() throws {
        var patient = try Scene()
        for _ in 0..<2 { try patient.pass(at: 1) }
        try patient.answer(Array(patient.cohort.names.dropLast()), at: 2)
        patient.round.hear(patient.cohort.names[5], at: Self.at(5_000))
        #expect(!patient.round.isDue(at: Self.at(5_001)))

        var plan = Self.plan
        plan.vectorSeconds = 60
        var hasty = try Scene(plan: plan)
        for _ in 0..<2 { try hasty.pass(at: 1) }
        for name in hasty.cohort.names { hasty.round.hear(name, at: Self.at(100)) }
        #expect(!hasty.round.isDue(at: Self.at(61)))
        try hasty.answer(Array(hasty.cohort.names.prefix(4)), at: 100)
        // Four of six: with a third that may drop out, as many shares as it takes.
        #expect(!hasty.round.isDue(at: Self.at(60)) && hasty.round.isDue(at: Self.at(61)))
        let closing = try hasty.round.close(at: Self.at(100))
        #expect(closing.leftOut == Array(hasty.cohort.names.suffix(2)))
    }

    @Test("with too few vectors the attempt ends")
    func tooFew() throws {
        var scene = try Scene()
        for _ in 0..<2 { try scene.pass(at: 1) }
        try scene.answer(Array(scene.cohort.names.prefix(2)), at: 2)
        #expect(scene.round.isDue(at: Self.at(11)))
        #expect(throws: MaskingError.tooFewSurvivors(have: 2, need: 3)) { try scene.round.close(at: Self.at(11)) }
    }

    @Test("a message again is held, another one in its place refused, and so is whatever is not its sender's or turn")
    func verdicts() throws {
        var scene = try Scene()
        let names = scene.cohort.names
        let own = try scene.message(of: names[0])
        #expect(scene.round.take(own, of: .keys, from: names[1]).isRefused)
        #expect(scene.round.take(own + [0], of: .keys, from: names[0]).isRefused)
        #expect(scene.round.take([UInt8](repeating: 1, count: 5_000), of: .keys, from: names[0]).isRefused)
        #expect(scene.round.take(own, of: .keys, from: names[0]) == .taken)
        #expect(scene.round.take(own, of: .keys, from: names[0]) == .held)
        var other = try scene.cohort.worker(names[0], secret: [UInt8](repeating: 9, count: 32))
        #expect(scene.round.take(other.advertise().bytes, of: .keys, from: names[0]).isRefused)
        #expect(scene.round.take(own, of: .shares, from: names[0]).isRefused)
        #expect(scene.round.take([], of: .vectors, from: names[0]).isRefused)
        #expect(scene.round.refusal(ofVector: 10, from: names[0]) != nil)
        try scene.answer(Array(names.dropFirst().dropLast()), at: 1)
        #expect(scene.round.isDue(at: Self.at(30)))
        _ = try scene.round.close(at: Self.at(30))
        #expect(scene.round.take(own, of: .keys, from: names[0]) == .held)
        let late = try #require(scene.cohort.workers[names[5]]).advertise().bytes
        #expect(scene.round.take(late, of: .keys, from: names[5]) == .late)
        other = try scene.cohort.worker(names[5])
        #expect(scene.round.take(Array(repeating: 0, count: 20_000), of: .shares, from: names[0]).isRefused)
        #expect(scene.round.refusal(ofVector: 10, from: names[0]) != nil)
    }

    @Test("the same messages and closings give the same messages and the same sum again, in whatever order they came")
    func replay() throws {
        var scene = try Scene()
        var (messages, openings): ([[(WorkerName, [UInt8])]], [[WorkerName: [UInt8]]]) = ([], [])
        var vectors: [(WorkerName, [UInt8])] = []
        let missing: [UnmaskingServer.Step: Int] = [.shares: 0, .vectors: 1, .signatures: 2, .reveals: 3]
        var living = scene.cohort.names
        for step in UnmaskingServer.Step.allCases {
            if let gone = missing[step].map({ scene.cohort.names[$0] }), step <= .vectors {
                living.removeAll { $0 == gone }
            }
            var sent: [(WorkerName, [UInt8])] = []
            for name in living {
                if step == .vectors {
                    let vector = try scene.vector(of: name)
                    try scene.round.take(vector: vector, from: name)
                    vectors.append((name, vector))
                } else {
                    let bytes = try scene.message(of: name)
                    #expect(scene.round.take(bytes, of: step, from: name) == .taken)
                    sent.append((name, bytes))
                }
            }
            messages.append(sent)
            openings.append(try scene.round.close(at: Self.at(1)).messages)
        }
        var again = try Scene()
        for step in UnmaskingServer.Step.allCases {
            for (name, bytes) in messages[step.rawValue].reversed() {
                #expect(again.round.take(bytes, of: step, from: name) == .taken)
            }
            for (name, vector) in vectors.reversed() where step == .vectors {
                try again.round.take(vector: vector, from: name)
            }
            #expect(try again.round.close(at: Self.at(500)).messages == openings[step.rawValue])
        }
        let sum = try #require(again.round.sum)
        #expect(sum == scene.round.sum)
        #expect(sum.sum.all == scene.cohort.plainSum(of: Array(scene.cohort.names.dropFirst(2))))
    }
}

extension MaskedRound.Verdict {
    fileprivate var isRefused: Bool { if case .refused = self { true } else { false } }
}
