import Federation
import Testing

@Suite("Ranks of workers")
struct WorkerRanksTests {
    @Test("are dealt in turn")
    func dealt() {
        let ranks = WorkerRanks.dealt([4, 8, 16])
        #expect((0..<7).map { ranks.rank(place: $0, cores: 1, memoryBytes: 0) } == [4, 8, 16, 4, 8, 16, 4])
        #expect(ranks.largest == 16 && ranks.areMixed && !WorkerRanks.same(8).areMixed)
    }

    @Test(
        "follow cores and memory, whichever are fewer, in powers of two within the bounds",
        arguments: [
            (1, 1, 4), (1, 64, 4), (2, 2, 8), (2, 64, 8), (64, 2, 8), (3, 3, 8), (4, 4, 16), (6, 8, 16), (8, 8, 32),
            (64, 64, 32), (0, 0, 2), (4, 0, 2), (Int(UInt32.max), 1 << 33, 32),
        ])
    func byResources(_ cores: Int, _ gibibytes: UInt64, _ expected: Int) {
        let ranks = WorkerRanks.byResources(2...32)
        #expect(ranks.rank(place: 5, cores: cores, memoryBytes: gibibytes << 30) == expected)
    }

    @Test(
        "follow the measured speed instead of the cores where a worker tells it",
        arguments: [
            // Many cores that are slow, one that is fast, and memory as the tighter bound.
            (64, 64, 20, 4), (1, 64, 140, 32), (1, 4, 10_000, 16), (4, 64, 31, 4), (4, 64, 32, 8), (4, 64, 0.5, 2),
            (4, 64, Float.greatestFiniteMagnitude, 32),
        ])
    func speed(_ cores: Int, _ gibibytes: UInt64, _ gigaflops: Float, _ expected: Int) {
        let ranks = WorkerRanks.byResources(2...32)
        #expect(
            ranks.rank(place: 0, cores: cores, memoryBytes: gibibytes << 30, gigaflops: gigaflops) == expected)
    }

    @Test("keep bounds that are no powers of two")
    func bounds() {
        let ranks = WorkerRanks.byResources(6...20)
        #expect(ranks.rank(place: 0, cores: 1, memoryBytes: 1 << 30) == 6)
        #expect(ranks.rank(place: 0, cores: 4, memoryBytes: 4 << 30) == 16)
        #expect(ranks.rank(place: 0, cores: 8, memoryBytes: 8 << 30) == 20)
        #expect(ranks.largest == 20)
    }
}
