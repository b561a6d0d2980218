/// Bulyan: Krum chooses `θ = n − 2f` updates, one after the other from those that are left; then, value by value, the mean
/// of the `θ − 2f` chosen values nearest to their median.
///
/// Krum alone lets a bad update differ much in a few values as long as it is near over all; the second step does not.
///
/// - SeeAlso: El Mhamdi et al. 2018, section 3 (arXiv:1802.07927).
enum Bulyan {
    /// The chosen updates, in their order.
    static func choices(_ gram: GramMatrix, f: Int) -> [Int] {
        var left = Array(0..<gram.count)
        var chosen: [Int] = []
        while chosen.count < gram.count - 2 * f {
            let scores = Krum.scores(gram, of: left, f: f)
            let order = { (place: Int) in (scores[place], gram[left[place], left[place]], place) }
            guard let best = left.indices.min(by: { order($0) < order($1) }) else { break }
            chosen.append(left.remove(at: best))
        }
        return chosen.sorted()
    }

    /// Value by value, the mean of the nearest to the median.
    static func combine(_ sorted: SortedColumns, f: Int) -> SortedColumns.Row {
        let kept = sorted.count - 2 * f
        let median = CoordinateMedian.combine(sorted)
        var result = SortedColumns.Row.zero
        for lane in 0..<SortedColumns.Row.scalarCount {
            // The nearest stand side by side: the window whose farther end is nearest.
            let reach = { (start: Int) in
                max(median[lane] - sorted[start][lane], sorted[start + kept - 1][lane] - median[lane])
            }
            var start = 0
            for candidate in 1..<(sorted.count - kept + 1) where reach(candidate) < reach(start) { start = candidate }
            var sum = 0.0
            for row in start..<start + kept { sum += Double(sorted[row][lane]) }
            result[lane] = Float(sum / Double(kept))
        }
        return result
    }
}
