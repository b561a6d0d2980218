internal import Federation

/// Who exchanges masks with whom: a ring over a random order of the cohort in which everyone knows the k/2 next on both
/// sides (Harary's k-connected graph on the fewest edges), or all know all.
///
/// The order follows from a seed alone. The seed is the hash of all keys of the attempt (``MaskingSession``), so that
/// nobody chooses who sits beside whom but by trying keys, which ``MaskingAssumptions/triesBits`` counts.
package struct MaskingGraph {
    private let degree: Int
    /// Position in the roster by place in the ring, and the reverse.
    private let order: [Int]
    private let place: [Int]

    /// - Parameters:
    ///   - cohort: Workers, at least 2.
    ///   - degree: Even, or `cohort − 1`.
    ///   - seed: 32 bytes.
    package init(cohort: Int, degree: Int, seed: [UInt8]) {
        precondition(degree == cohort - 1 || degree.isMultiple(of: 2) && degree < cohort - 1, "degree \(degree)")
        self.degree = degree
        var random = SecretStream(key: seed)
        var order = Array(0..<cohort)
        // Fisher and Yates. All versions of the program must draw the same, so nothing here is the standard library's.
        for last in stride(from: cohort - 1, to: 0, by: -1) { order.swapAt(last, Self.index(upTo: last, &random)) }
        var place = [Int](repeating: 0, count: cohort)
        for (index, position) in order.enumerated() { place[position] = index }
        self.order = order
        self.place = place
    }

    /// Positions in the roster, ascending.
    package func neighbours(of position: Int) -> [Int] {
        let cohort = order.count
        guard degree < cohort - 1 else { return (0..<cohort).filter { $0 != position } }
        return (1...degree / 2).flatMap { step in
            [order[(place[position] + step) % cohort], order[(place[position] + cohort - step) % cohort]]
        }.sorted()
    }

    /// Uniform in `0...limit`: the high word of a product (Lemire 2019, arXiv:1805.10941).
    private static func index(upTo limit: Int, _ random: inout SecretStream) -> Int {
        let range = UInt64(limit) + 1
        let rejected = (0 &- range) % range
        while true {
            let product = random.next().multipliedFullWidth(by: range)
            if product.low >= rejected { return Int(product.high) }
        }
    }
}
