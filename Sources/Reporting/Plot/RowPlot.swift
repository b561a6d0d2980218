/// One line for each name: spans, points or both on a common axis.
struct RowPlot {
    struct Row {
        let name: String
        /// Bars, one after the other.
        var spans: [Span] = []
        /// Marked places: a hollow one first, then filled ones.
        var points: [Double] = []
        let tip: String
    }

    struct Span {
        let range: ClosedRange<Double>
        var style = "fill-a"
        /// `nil`: its row's.
        var tip: String?
    }

    /// More names than these are left to the table.
    static let rowCountMax = 40

    let identifier: String
    let title: String
    let summary: String
    let xLabel: String
    let rows: [Row]
    var domain: ClosedRange<Double>?
    /// A value that the rows are to be seen against.
    var level: Double?
    var key: [(style: String, name: String)] = []

    func figure(table: Markup?) -> Markup {
        let rowHeight = 16.0
        let left = 108.0
        let height = Plot.top + rowHeight * Double(rows.count) + Plot.bottom
        let values = rows.flatMap { $0.spans.flatMap { [$0.range.lowerBound, $0.range.upperBound] } + $0.points }
        let scale =
            domain.map { Scale([$0.lowerBound, $0.upperBound]) }
            ?? Scale(values, includesZero: rows.contains { !$0.spans.isEmpty })
        let x = { (value: Double) in left + scale.place(value) * (Plot.width - left - Plot.right - 4) }
        var plot = Plot(identifier, title: title, summary: summary, height: height)
        for tick in scale.ticks {
            plot.line("grid", x(tick), Plot.top, x(tick), height - Plot.bottom)
            plot.text(ReadableNumber.fixed(tick, scale.digits), x(tick), height - Plot.bottom + 16, anchor: "middle")
        }
        plot.text(xLabel, (left + Plot.width - Plot.right) / 2, height - 6, anchor: "middle", style: "label")
        if let level { plot.line("level", x(level), Plot.top, x(level), height - Plot.bottom) }
        for (index, row) in rows.enumerated() {
            let middle = Plot.top + rowHeight * (Double(index) + 0.5)
            plot.text(Self.short(row.name), left - 8, middle + 4, anchor: "end")
            for span in row.spans {
                let (start, end) = (x(span.range.lowerBound), x(span.range.upperBound))
                // What is too short to be seen would be taken for what did not happen.
                plot.bar(span.style, start, middle - 4, max(1.5, end - start), 8, tip: span.tip ?? row.tip)
            }
            if let first = row.points.first, let last = row.points.last, row.points.count > 1 {
                plot.line("stem", x(first), middle, x(last), middle)
            }
            for (place, point) in row.points.enumerated() {
                plot.dot(
                    place == 0 && row.points.count > 1 ? "hollow" : "dot line-a", x(point), middle, radius: 3.6,
                    tip: row.tip)
            }
        }
        return plot.figure(key: key, table: table)
    }

    /// What fits beside the drawing.
    private static func short(_ name: String) -> String {
        name.count <= 15 ? name : name.prefix(14) + "…"
    }
}
