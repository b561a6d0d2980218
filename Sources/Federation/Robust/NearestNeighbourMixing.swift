/// NNM, nearest-neighbour mixing: each update becomes the mean of its `n − f` nearest, itself among them.
///
/// It brings honest updates of different data nearer to each other than to what is far from all of them, which is what
/// the rule behind it needs where data differ between workers.
///
/// - SeeAlso: Allouah et al. 2023, Algorithm 2 (arXiv:2302.01772).
enum NearestNeighbourMixing {
    static func mixture(_ gram: GramMatrix, f: Int) -> Mixture {
        let count = gram.count
        var weights = [Double](repeating: 0, count: count * count)
        for index in 0..<count {
            let distances = (0..<count).map { $0 == index ? -1 : gram.squaredDistance(index, $0) }
            // Equal distances by place: workers come in the order of their names.
            let nearest = (0..<count).sorted { (distances[$0], $0) < (distances[$1], $1) }.prefix(count - f)
            for neighbour in nearest { weights[index * count + neighbour] = 1 / Double(count - f) }
        }
        return Mixture(count: count, weights: weights)
    }
}
