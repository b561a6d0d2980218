import Federation
import Randomness
import Testing

@Suite("Selecting workers by a policy")
struct PolicySelectionTests {
    private static let workers = (0..<5).compactMap { WorkerName("w\($0)") }

    private func key(_ seed: Int, worker: String = "") -> StreamKey {
        StreamKey(seed: UInt64(seed), round: 3, attempt: 2, worker: worker, purpose: .selection)
    }

    private func history(_ entry: (Int) -> WorkerHistory?) -> [WorkerName: WorkerHistory] {
        var history: [WorkerName: WorkerHistory] = [:]
        for (index, worker) in Self.workers.enumerated() { history[worker] = entry(index) }
        return history
    }

    /// How often each worker is drawn over 20,000 seeds.
    private func counts(_ selector: Selector, _ count: Int) -> [Double] {
        var counts = [Double](repeating: 0, count: Self.workers.count)
        for seed in 0..<20_000 {
            for worker in selector.draw(count, from: Self.workers, key: key(seed)) {
                if let index = Self.workers.firstIndex(of: worker) { counts[index] += 1 }
            }
        }
        return counts
    }

    /// Within five standard deviations of a binomial of 20,000 trials.
    private func expectShares(_ counts: [Double], _ shares: [Double]) {
        for (count, share) in zip(counts, shares) {
            let deviation = (20_000 * share * (1 - share)).squareRoot()
            #expect(abs(count - 20_000 * share) <= 5 * deviation, "\(count) for \(20_000 * share)")
        }
    }

    /// The probability that each of two is drawn, one after the other, by weight: from the definition.
    private func sharesOfTwo(_ weights: [Double]) -> [Double] {
        let total = weights.reduce(0, +)
        return weights.indices.map { wanted in
            let second = weights.indices.filter { $0 != wanted }.map { first in
                weights[first] / total * weights[wanted] / (total - weights[first])
            }
            return weights[wanted] / total + second.reduce(0, +)
        }
    }

    @Test("uniform draws what a plain shuffle from the stream's first numbers gives", arguments: 0..<50)
    func uniform(seed: Int) {
        var names = Self.workers.map(\.text).sorted()
        var generator = key(seed).generator()
        for place in 0..<2 {
            let other = place + Int.random(in: 0..<(names.count - place), using: &generator)
            (names[place], names[other]) = (names[other], names[place])
        }
        let selector = Selector(.uniform, history: history { WorkerHistory(items: UInt64($0 + 1), completed: $0) })
        #expect(selector.draw(2, from: Self.workers, key: key(seed)).map(\.text) == names[..<2].sorted())
    }

    @Test("data-size draws by items, one worker and two")
    func dataSize() {
        let selector = Selector(.dataSize, history: history { WorkerHistory(items: [1, 2, 3, 4, 10][$0]) })
        expectShares(counts(selector, 1), [0.05, 0.1, 0.15, 0.2, 0.5])
        expectShares(counts(selector, 2), sharesOfTwo([1, 2, 3, 4, 10]))
    }

    @Test("a worker of unknown size counts as the median; without any size all are alike")
    func unknownSize() {
        let sizes: [UInt64?] = [8, nil, 2, nil, 4]
        let selector = Selector(.dataSize, history: history { sizes[$0].map { WorkerHistory(items: $0) } })
        let total = 22.0
        expectShares(counts(selector, 1), [8 / total, 4 / total, 2 / total, 4 / total, 4 / total])
        expectShares(counts(Selector(.dataSize), 1), [Double](repeating: 0.2, count: 5))
    }

    @Test("availability draws by the share of offers completed, newcomers as if they never failed")
    func availability() {
        let selector = Selector(
            .availability,
            history: history { index in
                index == 0 ? nil : WorkerHistory(completed: [0, 9, 0, 4, 1][index], failed: [0, 0, 4, 5, 1][index])
            })
        // (completed + 1) / (completed + failed + 1)
        let weights = [1, 1, 1.0 / 5, 5.0 / 10, 2.0 / 3]
        let total = weights.reduce(0, +)
        expectShares(counts(selector, 1), weights.map { $0 / total })
        expectShares(counts(selector, 2), sharesOfTwo(weights))
    }

    @Test("fair takes whoever took part least, and draws evenly among equals")
    func fair() {
        let selector = Selector(
            .fair, history: history { WorkerHistory(completed: [2, 0, 1, 0, 3][$0], failed: [0, 1, 0, 1, 0][$0]) })
        // Workers 1, 2 and 3 took part once.
        expectShares(counts(selector, 2), [0, 2.0 / 3, 2.0 / 3, 2.0 / 3, 0])
        for seed in 0..<100 {
            let drawn = selector.draw(4, from: Self.workers, key: key(seed)).map(\.text)
            #expect(drawn == ["w0", "w1", "w2", "w3"])
        }
    }

    @Test("fair gives every worker as many rounds as any other, one at most apart")
    func fairOverRounds() {
        var taken: [WorkerName: Int] = [:]
        for round in 1...33 {
            let selector = Selector(.fair, history: taken.mapValues { WorkerHistory(completed: $0) })
            let key = StreamKey(seed: 5, round: round, attempt: 1, purpose: .selection)
            for worker in selector.draw(2, from: Self.workers, key: key) { taken[worker, default: 0] += 1 }
            let counts = Self.workers.map { taken[$0] ?? 0 }
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
        }
    }

    @Test("no policy depends on the order of arrival or on names given twice", arguments: SelectionPolicy.allCases)
    func order(_ policy: SelectionPolicy) {
        let selector = Selector(
            policy, history: history { WorkerHistory(items: UInt64($0 + 1), completed: $0 % 2, failed: $0 % 3) })
        var shuffler = CounterRandom(key: 1)
        for seed in 0..<50 {
            let expected = selector.draw(3, from: Self.workers, key: key(seed))
            #expect(expected.count == 3 && expected == expected.sorted())
            let shuffled = (Self.workers + Self.workers).shuffled(using: &shuffler)
            #expect(selector.draw(3, from: shuffled, key: key(seed)) == expected)
        }
        #expect(selector.draw(9, from: Self.workers, key: key(0)) == Self.workers)
        #expect(selector.draw(2, from: [], key: key(0)).isEmpty)
        #expect(
            (0..<50).contains {
                selector.draw(1, from: Self.workers, key: key($0, worker: "x"))
                    != selector.draw(1, from: Self.workers, key: key($0))
            } || policy == .fair)
    }
}
