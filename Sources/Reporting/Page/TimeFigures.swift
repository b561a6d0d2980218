/// How long rounds took, and how the newest one went.
struct TimeFigures {
    private let run: ReportedRun

    init(_ run: ReportedRun) { self.run = run }

    var durations: Markup? {
        guard !run.rounds.isEmpty else { return nil }
        let seconds = run.rounds.map(\.seconds)
        let sorted = seconds.sorted()
        let plot = BarPlot(
            identifier: "durations", title: "Duration of a round",
            summary: "The median round took \(ReadableNumber.seconds(sorted[sorted.count / 2])).", yLabel: "seconds",
            rounds: run.rounds.map(\.number), series: [.init(style: "fill-a", name: "duration", values: seconds)]
        ) { ReadableNumber.seconds($0) }
        return plot.figure(
            table: .table(
                "From first offer to publication", ["#Round", "#Duration"],
                run.rounds.map { ["\($0.number)", ReadableNumber.seconds($0.seconds)] }))
    }

    /// From the opening of the newest round to each worker's update.
    var arrivals: Markup? {
        guard let round = run.rounds.last, !run.arrivals.isEmpty else { return nil }
        let shown = run.arrivals.prefix(RowPlot.rowCountMax)
        let rows = shown.map { arrival in
            RowPlot.Row(
                name: arrival.worker, span: 0...max(0, arrival.seconds),
                tip: "\(arrival.worker): update recorded after \(ReadableNumber.seconds(arrival.seconds))")
        }
        let left = run.arrivals.count - shown.count
        let plot = RowPlot(
            identifier: "arrivals",
            title: "Round \(round.number): from its opening to each update"
                + (left > 0 ? " (the first \(shown.count) of \(run.arrivals.count))" : ""),
            summary: "The last of \(run.arrivals.count) updates came after "
                + "\(ReadableNumber.seconds(run.arrivals.map(\.seconds).max() ?? 0)).", xLabel: "seconds", rows: rows,
            domain: 0...max(1, round.seconds, shown.map(\.seconds).max() ?? 0), level: round.seconds,
            key: [("fill-a", "offer to recorded update (whole seconds)"), ("level", "publication")])
        return plot.figure(
            table: .table(
                "Updates of round \(round.number)", ["Worker", "#Recorded after"],
                run.arrivals.map { [$0.worker, ReadableNumber.seconds($0.seconds)] }))
    }

    var staleness: Markup? {
        let points = run.rounds.compactMap { round in round.staleness.map { (x: Double(round.number), y: $0) } }
        guard points.contains(where: { $0.y > 0 }) else { return nil }
        let plot = LinePlot(
            identifier: "staleness", title: "Age of the updates", summary: "Mean age in versions.", xLabel: "version",
            yLabel: "versions", series: [.init(style: "line-a", name: "mean age", points: points)], isWholeX: true,
            includesZero: true)
        return plot.figure(
            table: .table(
                "Mean age of the updates", ["#Version", "#Age, versions"],
                points.map { [ReadableNumber.fixed($0.x, 0), ReadableNumber.fixed($0.y, 2)] }))
    }
}
