/// The coordinate-wise trimmed mean: of each value the `f` smallest and the `f` largest over the workers are left out.
///
/// - SeeAlso: Yin et al. 2018, Definition 2 (arXiv:1803.01498).
enum TrimmedMean {
    static func combine(_ sorted: SortedColumns, f: Int) -> SortedColumns.Row {
        var sum = SIMD16<Double>.zero
        for row in f..<sorted.count - f { sum += SIMD16<Double>(sorted[row]) }
        return SortedColumns.Row(sum / Double(sorted.count - 2 * f))
    }
}
