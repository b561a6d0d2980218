import Federation
import SecureAggregation
import Testing

@Suite("The graph of masks")
struct GraphTests {
    private func graph(_ cohort: Int, _ degree: Int, seed: UInt8 = 1) -> [[Int]] {
        let graph = MaskingGraph(cohort: cohort, degree: degree, seed: [UInt8](repeating: seed, count: 32))
        return (0..<cohort).map(graph.neighbours(of:))
    }

    @Test(
        "gives everybody the same number of neighbours, both ways",
        arguments: [(2, 1), (4, 2), (5, 4), (7, 4), (8, 6), (100, 32), (1000, 96)])
    func regular(_ cohort: Int, _ degree: Int) {
        let neighbours = graph(cohort, degree)
        for (position, around) in neighbours.enumerated() {
            #expect(around.count == degree && Set(around).count == degree && !around.contains(position))
            #expect(around == around.sorted())
            #expect(around.allSatisfy { neighbours[$0].contains(position) })
        }
    }

    private func parts(_ neighbours: [[Int]], without missing: Set<Int>) -> Int {
        var unseen = Set(neighbours.indices).subtracting(missing)
        var count = 0
        while let start = unseen.popFirst() {
            count += 1
            var open = [start]
            while let next = open.popLast() {
                for other in neighbours[next] where unseen.remove(other) != nil { open.append(other) }
            }
        }
        return count
    }

    @Test("stays in one part under losses as its analysis says, and may not where two gaps are wide")
    func connected() {
        for seed in UInt8(0)..<50 {
            let neighbours = graph(100, 22, seed: seed)
            #expect(parts(neighbours, without: Set(0..<40)) == 1)
        }
        // k missing in two runs of k/2 beside each other in the ring: with degree 2, any two that are no neighbours.
        let ring = graph(10, 2)
        let other = (1..<10).first { !ring[0].contains($0) } ?? 0
        #expect(parts(ring, without: [0, other]) == 2)
        #expect(parts(ring, without: [0, ring[0][0]]) == 1)
    }

    @Test("follows from its seed alone and from all of it")
    func seeded() {
        #expect(graph(50, 6) == graph(50, 6))
        #expect(graph(50, 6) != graph(50, 6, seed: 2))
        // Who sits beside the first: over many seeds everybody about equally often.
        var counts = [Int](repeating: 0, count: 12)
        for first in UInt8(0)..<250 {
            for second in UInt8(0)..<8 {
                let seed = [first, second] + [UInt8](repeating: 0, count: 30)
                for other in MaskingGraph(cohort: 12, degree: 2, seed: seed).neighbours(of: 0) { counts[other] += 1 }
            }
        }
        // 4,000 draws over 11 places: mean 364, standard deviation 18.
        #expect(counts[0] == 0)
        #expect(counts.dropFirst().allSatisfy { (274...454).contains($0) })
    }

    @Test("the tails of the hypergeometric distribution are those of exact fractions")
    func tails() throws {
        for entry in try SecureAggregationFixture.load().tails {
            let found = HypergeometricTail.atLeast(
                entry.least, population: entry.population, marked: entry.marked, draws: entry.draws)
            #expect(abs(found - entry.probability) <= 1e-9 * entry.probability, "\(entry)")
        }
    }

    @Test("neighbours and threshold are the fewest that exact fractions allow")
    func degrees() throws {
        let table = try SecureAggregationFixture.load().degrees
        #expect(table.contains { $0.neighbours == 0 } && table.contains { $0.cohort == 1000 })
        for entry in table {
            let assumptions = MaskingAssumptions(corruptFraction: entry.corrupt, dropoutFraction: entry.dropout)
            guard entry.neighbours > 0 else {
                #expect(
                    throws: MaskingError.noDegree(
                        cohort: entry.cohort, corrupt: entry.corrupt, dropout: entry.dropout)
                ) { try MaskingDegree(cohort: entry.cohort, under: assumptions) }
                continue
            }
            let found = try MaskingDegree(cohort: entry.cohort, under: assumptions)
            #expect(found.neighbours == entry.neighbours && found.threshold == entry.threshold, "\(entry)")
            #expect(found.isSecure(cohort: entry.cohort, under: assumptions))
        }
    }

    /// One signed set of survivors that leaves two gaps, in the real graph, with as many colluding workers as its bound
    /// excludes and with one fewer.
    @Test("a part of the survivors comes out alone only with 2t − k colluding workers in two gaps")
    func parted() throws {
        let (cohort, degree, threshold) = (60, 12, 9)
        for short in [0, 1] {
            let neighbours = graph(cohort, degree)
            // The ring's order: who shares most neighbours with the last one comes next to it.
            var ring = [0]
            while ring.count < cohort {
                let last = neighbours[ring[ring.count - 1]]
                let next = last.filter { !ring.contains($0) }.max {
                    Set(neighbours[$0]).intersection(last).count < Set(neighbours[$1]).intersection(last).count
                }
                ring.append(try #require(next))
            }
            let gaps = [Array(ring[0..<degree / 2]), Array(ring[30..<30 + degree / 2])]
            var colluding = Set(gaps.flatMap { $0.prefix(threshold - degree / 2) })
            if short == 1 { colluding.remove(gaps[1][0]) }
            let dropped = Set(gaps.joined()).subtracting(colluding)
            #expect(parts(neighbours, without: dropped.union(colluding)) == 2)
            // Whose own mask comes off, for each part.
            let inside = Set(ring[degree / 2..<30])
            let uncovered = inside.filter { member in
                neighbours[member].count { inside.contains($0) || colluding.contains($0) } >= threshold
            }
            #expect((uncovered == inside) == (short == 0))
        }
    }

    @Test("a smaller threshold, fewer neighbours or a worse world are not accepted as secure")
    func insecure() throws {
        let assumptions = MaskingAssumptions(corruptFraction: 0.1, dropoutFraction: 0.1)
        let right = try MaskingDegree(cohort: 1000, under: assumptions)
        for (neighbours, threshold) in [
            (right.neighbours, right.threshold - 1), (2, 2), (97, 90),
        ] {
            let weak = MaskingDegree(neighbours: neighbours, threshold: threshold)
            #expect(!weak.isSecure(cohort: 1000, under: assumptions), "\(neighbours), \(threshold)")
        }
        let worse = MaskingAssumptions(corruptFraction: 0.2, dropoutFraction: 0.1)
        #expect(!right.isSecure(cohort: 1000, under: worse))
        #expect(MaskingDegree(neighbours: 999, threshold: 900).isSecure(cohort: 1000, under: worse))
    }

    @Test("a proof over some leaves leads to the root, and to no other one")
    func proofs() throws {
        for entry in try SecureAggregationFixture.load().trees {
            let entries = entry.entries.map { bytes($0) }
            let tree = RosterTree(entries: entries)
            #expect(tree.root == bytes(entry.root))
            for step in [1, 2, 3, 5] {
                let positions = Array(stride(from: step - 1, to: entries.count, by: step))
                guard !positions.isEmpty else { continue }
                let proof = tree.proof(of: positions)
                let known = positions.map { (position: $0, entry: entries[$0]) }
                #expect(RosterTree.root(of: known, count: entries.count, proof: proof) == tree.root)
                var other = known
                other[known.count / 2].entry.append(1)
                #expect(RosterTree.root(of: other, count: entries.count, proof: proof) != tree.root)
                #expect(RosterTree.root(of: known, count: entries.count, proof: proof + [tree.root]) == nil)
                #expect(proof.isEmpty || RosterTree.root(of: known, count: entries.count, proof: []) == nil)
            }
        }
    }
}
