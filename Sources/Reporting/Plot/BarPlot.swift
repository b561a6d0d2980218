/// Columns over rounds, in groups, and a line that they are to be seen against.
struct BarPlot {
    struct Series {
        let style: String
        let name: String
        /// One for each round; `nil` leaves its place empty.
        let values: [Double?]
    }

    let identifier: String
    let title: String
    let summary: String
    let yLabel: String
    let rounds: [Int]
    let series: [Series]
    /// A value for each round.
    var reference: Series?
    /// A value in words.
    let describe: (Double) -> String

    func figure(table: Markup?) -> Markup {
        let values = (series + (reference.map { [$0] } ?? [])).flatMap { $0.values.compactMap { $0 } }
        let y = Scale(values, includesZero: true)
        // A column's width at either end.
        let (first, last) = (Double(rounds.first ?? 1), Double(rounds.last ?? 1))
        let slot = (Plot.width - Plot.left - Plot.right) / (last - first + 1)
        let x = { (round: Int) in Plot.left + (Double(round) - first + 0.5) * slot }
        var plot = Plot(identifier, title: title, summary: summary)
        plot.frame(x: Scale([], steps: 1, isWhole: true).without, y: y, xLabel: "round", yLabel: yLabel)
        for tick in Scale([first, last], steps: 6, isWhole: true).ticks where tick >= first && tick <= last {
            plot.text(
                ReadableNumber.fixed(tick, 0), x(Int(tick)), Plot.height - Plot.bottom + 16, anchor: "middle")
        }
        let gap = slot > 6 ? 0.15 * slot : 0
        let width = (slot - gap) / Double(max(1, series.count))
        for (place, own) in series.enumerated() {
            for (round, value) in zip(rounds, own.values) {
                guard let value, value.isFinite else { continue }
                let height = y.place(value) * (Plot.height - Plot.top - Plot.bottom)
                plot.bar(
                    own.style, x(round) - (slot - gap) / 2 + Double(place) * width, Plot.y(y.place(value)), width,
                    height,
                    tip: "\(own.name), round \(round): \(describe(value))")
            }
        }
        if let reference {
            let points = zip(rounds, reference.values).compactMap { round, value in
                value.map { (x: x(round), y: Plot.y(y.place($0))) }
            }
            // One round has no line.
            plot.path(
                reference.style,
                points.count == 1
                    ? [(points[0].x - slot / 2, points[0].y), (points[0].x + slot / 2, points[0].y)] : points)
        }
        var key = series.map { (style: $0.style, name: $0.name) }
        if let reference { key.append((reference.style, reference.name)) }
        return plot.figure(key: key.count > 1 ? key : [], table: table)
    }
}

extension Scale {
    /// The axis without its ticks, which stand elsewhere.
    fileprivate var without: Scale { Scale(domain: domain, ticks: [], digits: digits) }
}
