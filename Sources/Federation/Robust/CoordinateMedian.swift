/// The coordinate-wise median: of each value the middle one over the workers, or the mean of the two in the middle.
///
/// - SeeAlso: Yin et al. 2018, Definition 1 (arXiv:1803.01498).
enum CoordinateMedian {
    static func combine(_ sorted: SortedColumns) -> SortedColumns.Row {
        let middle = sorted.count / 2
        guard sorted.count.isMultiple(of: 2) else { return sorted[middle] }
        // Halves first: the sum of two float32 values may not be one.
        return sorted[middle - 1] * 0.5 + sorted[middle] * 0.5
    }
}
