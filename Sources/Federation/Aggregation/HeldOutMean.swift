/// A mean held-out loss with its standard error.
public struct HeldOutMean: Hashable, Sendable {
    /// Mean over items of the item's mean loss. Unit: nats a token.
    public let mean: Double
    /// Of `mean`; `nil` when a single item or a single worker gives no evidence of the spread.
    public let standardError: Double?
    /// Blocks or examples.
    public let items: UInt64
    /// Reports behind the mean.
    public let workers: Int

    /// The mean over data that one holder evaluated, its items taken as independent draws.
    ///
    /// `s² = (Σx² − (Σx)²/n) / (n − 1)` and `SE = s / √n`. Blocks cut from one long text are positively correlated, so
    /// for other texts the error is larger than this; it answers "would other blocks like these have said the same".
    public init(independentItemsOf report: HeldOutReport) {
        let count = Double(report.items)
        mean = report.mean
        items = report.items
        workers = 1
        if report.items > 1 {
            // Equal losses can leave a difference just below 0.
            let variance = max(0, report.squaredLossSum - report.lossSum * mean) / (count - 1)
            standardError = (variance / count).squareRoot()
        } else {
            standardError = nil
        }
    }

    /// The mean over all items of several workers.
    ///
    /// The error treats workers, not items, as the independent draws: one owner's items share a trade, a writer, a
    /// label skew, so the item-wise formula would be far too small. With `nₖ` items of losses summing to `Sₖ` at worker
    /// k of K, and `m = Σ Sₖ / Σ nₖ`, it is the linearised variance of a ratio of cluster totals,
    /// `SE² = K/(K−1) · Σ (Sₖ − m·nₖ)² / (Σ nₖ)²`, which assumes nothing about the correlation inside a worker and is
    /// biased by about 1/K for few workers.
    ///
    /// - Parameters:
    ///   - reports: One a worker, in worker-name order (a float sum depends on its order).
    ///   - minimumCohort: Fewer workers than this give `nil`: a mean over one worker is that worker's loss, and a mean
    ///     over two tells each of them the other's.
    /// - SeeAlso: Cochran, "Sampling Techniques", 3rd edition 1977, chapter 6 (ratio estimators).
    public init?(of reports: [HeldOutReport], minimumCohort: Int) {
        guard !reports.isEmpty, reports.count >= minimumCohort else { return nil }
        var items: UInt64 = 0
        for report in reports {
            // Remote numbers: counts that no data set has must not trap.
            let (sum, overflow) = items.addingReportingOverflow(report.items)
            guard !overflow else { return nil }
            items = sum
        }
        let total = Double(items)
        let mean = reports.reduce(0) { $0 + $1.lossSum } / total
        guard mean.isFinite else { return nil }
        self.mean = mean
        self.items = items
        workers = reports.count
        if reports.count > 1 {
            let squares = reports.reduce(0.0) { sum, report in
                let residual = (report.lossSum - mean * Double(report.items)) / total
                return sum + residual * residual
            }
            let clusters = Double(reports.count)
            standardError = (clusters / (clusters - 1) * squares).squareRoot()
        } else {
            standardError = nil
        }
    }
}
