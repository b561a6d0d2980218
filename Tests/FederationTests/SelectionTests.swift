import Federation
import Randomness
import Testing

@Suite("Selecting workers")
struct SelectionTests {
    private func key(_ seed: UInt64, round: Int = 1, attempt: Int = 1) -> StreamKey {
        StreamKey(seed: seed, round: round, attempt: attempt, purpose: .selection)
    }

    private func workers(_ count: Int) -> [WorkerName] {
        (0..<count).compactMap { WorkerName("worker-\($0)") }
    }

    @Test("draws the asked number of distinct workers, in name order", arguments: [0, 1, 7, 39])
    func distinct(_ count: Int) {
        let chosen = Selection.uniform(count, from: workers(40), key: key(1))
        #expect(chosen.count == count)
        #expect(Set(chosen).count == count)
        #expect(chosen == chosen.sorted())
        #expect(Set(chosen).isSubset(of: workers(40)))
    }

    @Test("takes everyone when fewer are connected than asked for", arguments: [5, 6, Int.max])
    func everyone(_ count: Int) {
        #expect(Selection.uniform(count, from: workers(5), key: key(1)) == workers(5).sorted())
    }

    @Test("chooses nobody from nobody")
    func nobody() {
        #expect(Selection.uniform(3, from: [], key: key(1)).isEmpty)
    }

    @Test("does not depend on the order of arrival")
    func orderIndependent() {
        var shuffler = CounterRandom(key: 5)
        let expected = Selection.uniform(10, from: workers(40), key: key(2))
        for _ in 0..<20 {
            #expect(Selection.uniform(10, from: workers(40).shuffled(using: &shuffler), key: key(2)) == expected)
        }
    }

    @Test("counts a name given twice once")
    func duplicates() {
        let expected = Selection.uniform(2, from: workers(4), key: key(3))
        #expect(Selection.uniform(2, from: workers(4) + workers(4), key: key(3)) == expected)
    }

    @Test("differs between rounds and between attempts of a round")
    func fresh() {
        let first = Selection.uniform(10, from: workers(40), key: key(4))
        #expect(Selection.uniform(10, from: workers(40), key: key(4, round: 2)) != first)
        #expect(Selection.uniform(10, from: workers(40), key: key(4, attempt: 2)) != first)
    }

    @Test("draws every subset equally often")
    func uniform() {
        var counts: [[WorkerName]: Int] = [:]
        for seed in 0..<10_000 {
            counts[Selection.uniform(2, from: workers(5), key: key(UInt64(seed))), default: 0] += 1
        }
        #expect(counts.count == 10)
        let chiSquare = counts.values.reduce(0.0) { $0 + Double(($1 - 1_000) * ($1 - 1_000)) / 1_000 }
        // The 99.9% point of χ² with 9 degrees of freedom.
        #expect(chiSquare < 27.9)
    }
}
