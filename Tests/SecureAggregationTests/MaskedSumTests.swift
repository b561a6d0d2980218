import Federation
import SecureAggregation
import Testing

@Suite("A sum under masks")
struct MaskedSumTests {
    enum Loss: String, CaseIterable, Sendable {
        case nowhere, keys, shares, vectors, signatures, reveals
    }

    /// Every third worker, in an order that has nothing to do with the graph's.
    private func third(_ names: [WorkerName]) -> Set<WorkerName> {
        Set(names.enumerated().filter { $0.offset % 3 == 1 }.prefix(names.count / 3).map(\.element))
    }

    @Test(
        "is the plain sum of the survivors' quantised updates, with a third of the workers lost at any step",
        arguments: [4, 5, 10, 12, 20, 50, 100, 200], Loss.allCases)
    func exact(_ count: Int, _ loss: Loss) throws {
        // Whoever sends no keys is no part of the cohort; and none of four workers is assumed to collude.
        var cohort = try MaskedCohort(
            count,
            assuming: MaskingAssumptions(
                corruptFraction: count < 10 ? 0 : 0.1, dropoutFraction: loss == .keys ? 0.1 : 1.0 / 3))
        let lost = third(cohort.names)
        #expect(lost.count == count / 3)
        let missing = { (step: Loss) in step == loss ? lost : [] }
        try cohort.exchangeKeys(without: missing(.keys))
        try cohort.exchangeShares(without: missing(.shares))
        try cohort.sendVectors(without: missing(.vectors))
        try cohort.exchangeSignatures(without: missing(.signatures))
        try cohort.revealShares(without: missing(.reveals))
        let result = try cohort.server.unmask()
        // Who left after its vector is counted all the same.
        let counted = cohort.names.filter { ![.keys, .shares, .vectors].contains(loss) || !lost.contains($0) }.sorted()
        #expect(result.survivors == counted)
        #expect(result.sum.all == cohort.plainSum(of: counted))
    }

    @Test("is exact when workers are lost at every step of one attempt")
    func everyStep() throws {
        var cohort = try MaskedCohort(
            100, assuming: MaskingAssumptions(corruptFraction: 0.1, dropoutFraction: 1.0 / 3))
        let lost = (0..<5).map { step in Set(cohort.names[7 * step..<7 * step + 7]) }
        let gone = { (step: Int) in lost[...step].reduce(Set<WorkerName>()) { $0.union($1) } }
        try cohort.exchangeKeys(without: lost[0])
        try cohort.exchangeShares(without: gone(1))
        try cohort.sendVectors(without: gone(2))
        try cohort.exchangeSignatures(without: gone(3))
        try cohort.revealShares(without: gone(4))
        let result = try cohort.server.unmask()
        let counted = cohort.names.filter { !gone(2).contains($0) }.sorted()
        #expect(result.survivors == counted)
        #expect(result.sum.all == cohort.plainSum(of: counted))
    }

    @Test("an attempt that lost too many at a step ends, saying how many are needed")
    func tooFew() throws {
        var cohort = try MaskedCohort(12, minimum: 10)
        #expect(throws: MaskingError.cohortTooSmall(have: 8, need: 10)) {
            try cohort.exchangeKeys(without: third(cohort.names))
        }
        var second = try MaskedCohort(12, minimum: 10)
        try second.exchangeKeys()
        #expect(throws: MaskingError.tooFewSurvivors(have: 8, need: 10)) {
            try second.exchangeShares(without: third(second.names))
        }
        var late = try MaskedCohort(12, minimum: 2)
        try late.exchangeKeys()
        try late.exchangeShares()
        #expect {
            try late.sendVectors(without: Set(late.names[..<10]))
        } throws: { error in
            guard case .unrecoverable(_, _, let need)? = error as? MaskingError else { return false }
            return need == late.server.degree?.threshold
        }
    }

    @Test("one share fewer than the threshold unmasks nothing, one more does")
    func threshold() throws {
        var cohort = try MaskedCohort(12, assuming: MaskingAssumptions(corruptFraction: 0.1, dropoutFraction: 0.1))
        try cohort.exchangeKeys()
        try cohort.exchangeShares()
        try cohort.sendVectors(without: [cohort.names[4]])
        try cohort.exchangeSignatures()
        let degree = try #require(cohort.server.degree)
        let watched = try #require(cohort.keys[cohort.names[0]]).neighbours.map(\.keys.worker)
        // Of the first worker's neighbours, all but t − 1 that can still answer stay silent.
        let answering = Set(watched.filter { $0 != cohort.names[4] }.prefix(degree.threshold - 1))
        let silent = Set(watched).subtracting(answering)
        try cohort.revealShares(without: silent)
        #expect {
            try cohort.server.unmask()
        } throws: { error in
            guard case .unrecoverable(_, let have, let need)? = error as? MaskingError else { return false }
            return have < need && need == degree.threshold
        }
        try cohort.revealShares()
        let result = try cohort.server.unmask()
        #expect(result.sum.all == cohort.plainSum(of: result.survivors))
    }

    @Test("a worker that lost its process goes on from its secret, the messages and the vector it kept")
    func resumed() throws {
        var cohort = try MaskedCohort(10)
        let name = cohort.names[2]
        try cohort.exchangeKeys()
        cohort.workers[name] = try cohort.worker(name)
        try cohort.exchangeShares()
        var again = try cohort.worker(name)
        let sealed = try again.share(#require(cohort.keys[name]))
        #expect(sealed.bytes == cohort.transcript[name]?.last)
        try cohort.sendVectors(without: [cohort.names[5]])
        try again.resumeMasked(with: #require(cohort.shares[name]))
        #expect(throws: MaskingError.alreadyMasked) {
            try again.mask(cohort.words(name), with: #require(cohort.shares[name]))
        }
        cohort.workers[name] = again
        try cohort.exchangeSignatures()
        try cohort.revealShares()
        let result = try cohort.server.unmask()
        #expect(result.survivors.contains(name))
        #expect(result.sum.all == cohort.plainSum(of: result.survivors))
    }

    @Test("messages that come twice count once")
    func repeated() throws {
        var cohort = try MaskedCohort(5)
        let name = cohort.names[0]
        try cohort.server.accept(#require(cohort.workers[name]).advertise())
        try cohort.exchangeKeys()
        let keys = try #require(cohort.keys[name])
        let shares = try #require(try cohort.workers[name]?.share(keys))
        try cohort.server.accept(shares, from: name)
        try cohort.exchangeShares()
        let (words, received) = (cohort.words(name), try #require(cohort.shares[name]))
        let vector = try #require(try cohort.workers[name]?.mask(words, with: received))
        try cohort.server.accept(vector: vector, from: name)
        try cohort.server.accept(vector: vector, from: name)
        #expect(throws: MaskingError.repeatedDifferently(name, step: "masked vector")) {
            try cohort.server.accept(vector: [vector[0] ^ 1] + vector.dropFirst(), from: name)
        }
        cohort.workers[name] = try cohort.worker(name)
        _ = try cohort.workers[name]?.share(keys)
        try cohort.sendVectors()
        try cohort.exchangeSignatures()
        try cohort.revealShares()
        #expect(try cohort.server.unmask().sum.all == cohort.plainSum(of: cohort.names))
    }
}
