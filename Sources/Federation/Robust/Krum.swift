/// Krum: the update with the smallest sum of squared distances to its `n − f − 2` nearest others; Multi-Krum: the mean of
/// the `n − f − 2` updates with the smallest.
///
/// Two updates that are each other's nearest can have the same score; the shorter one comes first then.
///
/// - SeeAlso: Blanchard et al. 2017, section 4 (arXiv:1703.02757); for the number that Multi-Krum averages El Mhamdi et al.
///   2018, section 2 (arXiv:1802.07927).
enum Krum {
    /// The update to take.
    static func choice(_ gram: GramMatrix, f: Int) -> Int { ranking(gram, f: f)[0] }

    /// The updates to average.
    static func choices(_ gram: GramMatrix, f: Int) -> [Int] {
        ranking(gram, f: f).prefix(gram.count - f - 2).sorted()
    }

    private static func ranking(_ gram: GramMatrix, f: Int) -> [Int] {
        let all = Array(0..<gram.count)
        let scores = scores(gram, of: all, f: f)
        return all.sorted { (scores[$0], gram[$0, $0], $0) < (scores[$1], gram[$1, $1], $1) }
    }

    /// The scores of some of the updates among themselves, in the order given.
    static func scores(_ gram: GramMatrix, of members: [Int], f: Int) -> [Double] {
        let neighbours = max(1, members.count - f - 2)
        return members.map { member in
            let distances = members.filter { $0 != member }.map { gram.squaredDistance(member, $0) }.sorted()
            return distances.prefix(neighbours).reduce(0, +)
        }
    }
}
