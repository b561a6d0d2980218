/// How long rounds took, and how old their updates were.
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
