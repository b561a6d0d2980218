import Federation
import Testing

@Suite("How many bad workers a round gets")
struct BadWorkerTailTests {
    @Test("is what counting all draws says", arguments: [(6, 2, 3), (7, 3, 4), (8, 8, 3), (9, 0, 5), (10, 4, 9)])
    func enumeration(workers: Int, bad: Int, drawn: Int) {
        var histogram = [Int](repeating: 0, count: drawn + 1)
        for draw in 0..<(1 << workers) where draw.nonzeroBitCount == drawn {
            histogram[(draw & ((1 << bad) - 1)).nonzeroBitCount] += 1
        }
        let all = Double(histogram.reduce(0, +))
        let tail = BadWorkerTail(workers: workers, bad: bad, drawn: drawn)
        for f in 0...drawn {
            let above = Double(histogram.dropFirst(f + 1).reduce(0, +)) / all
            #expect(abs(tail.probability(above: f) - above) < 1e-12)
        }
        for bound in [0.3, 0.05, 0] {
            let f = tail.smallestF(bound: bound)
            #expect(tail.probability(above: f) <= bound)
            #expect(f == 0 || tail.probability(above: f - 1) > bound)
        }
    }

    @Test("for 8 bad of 40 and 10 drawn: 4 or more come in some of 20 rounds with 0.85, 5 or more with 0.25")
    func published() {
        let tail = BadWorkerTail(workers: 40, share: 0.2, drawn: 10)
        #expect(tail.bad == 8)
        let some = { (f: Int) in
            var none = 1.0
            for _ in 0..<20 { none *= 1 - tail.probability(above: f) }
            return 1 - none
        }
        #expect(abs(some(3) - 0.85) < 0.005 && abs(some(4) - 0.25) < 0.005)
        #expect(tail.smallestF(bound: 0.05) == 4 && tail.smallestF(bound: 0.1) == 3)
    }

    @Test("comes near the binomial tail in a large fleet, and counts a part of a worker as one")
    func largeFleet() {
        let tail = BadWorkerTail(workers: 1_000_000, share: 0.1, drawn: 3)
        // 1 − 0.9³ − 3·0.1·0.9²
        #expect(abs(tail.probability(above: 1) - 0.028) < 1e-5)
        #expect(BadWorkerTail(workers: 10, share: 0.15, drawn: 4).bad == 2)
        #expect(BadWorkerTail(workers: 10, share: 0.3, drawn: 4).bad == 3)
    }
}

@Suite("Suspicion")
struct SuspicionScoreTests {
    @Test("ranks distances from 0 to 1, equal ones alike")
    func ranks() {
        #expect(SuspicionScore.ranks([3, 1, 9]) == [0.5, 0, 1])
        #expect(SuspicionScore.ranks([2, 2, 5, 2, 7]) == [0.25, 0.25, 0.75, 0.25, 1])
        #expect(SuspicionScore.ranks([4, 4]) == [0.5, 0.5] && SuspicionScore.ranks([4]) == [0.5])
        #expect(SuspicionScore.ranks([]).isEmpty)
    }

    @Test("begins at one half and forgets by a fifth a round")
    func smoothing() {
        var score = SuspicionScore()
        #expect(score.value == 0.5 && score.rounds == 0)
        for _ in 0..<10 { score.note(rank: 1) }
        var half = 0.5
        for _ in 0..<10 { half *= 0.8 }
        #expect(abs(score.value - (1 - half)) < 1e-12 && score.rounds == 10)
        score.note(rank: 0)
        #expect(abs(score.value - 0.8 * (1 - half)) < 1e-12)
    }
}
