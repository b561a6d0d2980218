/// What travelled, and what it took.
struct TrafficFigures {
    private let run: ReportedRun

    init(_ run: ReportedRun) { self.run = run }

    var note: String? {
        if run.hidesParticipation { return nil }
        guard let last = run.rounds.last, let up = last.uplinkBytes else { return nil }
        let against = ReportTiles.against(up, last.denseUplinkBytes)
        return "Workers sent \(ReadableNumber.bytes(up)) in all" + (against.isEmpty ? "." : ": \(against).")
    }

    /// Differences of a cumulative count.
    private func each(_ value: (ReportedRun.Round) -> UInt64?) -> [UInt64?] {
        var before: UInt64? = 0
        return run.rounds.map { round in
            let now = value(round)
            defer { before = now }
            guard let now, let before, now >= before else { return nil }
            return now - before
        }
    }

    var bytes: Markup? {
        let (up, down, dense) = (each(\.uplinkBytes), each(\.downlinkBytes), each(\.denseUplinkBytes))
        guard let most = (up + down + dense).compactMap({ $0 }).max(), most > 0 else { return nil }
        let (unit, name) = LossFigures.unit(Double(most))
        func scaled(_ values: [UInt64?]) -> [Double?] { values.map { $0.map { Double($0) / unit } } }
        let plot = BarPlot(
            identifier: "bytes", title: "Bytes a round", summary: note ?? "", yLabel: name,
            rounds: run.rounds.map(\.number),
            series: [
                .init(style: "fill-a", name: "from workers", values: scaled(up)),
                .init(style: "fill-b", name: "to workers", values: scaled(down)),
            ], reference: .init(style: "mark", name: "plain updates from workers", values: scaled(dense))
        ) { ReadableNumber.bytes(UInt64(($0 * unit).rounded())) }
        func text(_ value: UInt64?) -> String { value.map { ReadableNumber.bytes($0) } ?? "–" }
        return plot.figure(
            table: .table(
                "Bytes a round", ["#Round", "#From workers", "#To workers", "#Plain updates"],
                run.rounds.indices.map { ["\(run.rounds[$0].number)", text(up[$0]), text(down[$0]), text(dense[$0])] }))
    }

    var updates: Markup? {
        let counts = run.rounds.map { $0.workers.map { Double($0) } }
        guard counts.contains(where: { $0 != nil }) else { return nil }
        let plot = BarPlot(
            identifier: "updates", title: "Updates that counted",
            summary: "\(ReadableNumber.count(run.rounds.compactMap(\.workers).reduce(0, +))) in all.",
            yLabel: "updates",
            rounds: run.rounds.map(\.number), series: [.init(style: "fill-c", name: "updates", values: counts)]
        ) { ReadableNumber.fixed($0, 0) }
        return plot.figure(
            table: .table(
                "Updates and tokens a round", ["#Round", "#Updates", "#Tokens"],
                run.rounds.map { round in
                    [
                        "\(round.number)", round.workers.map { ReadableNumber.count($0) } ?? "–",
                        round.tokens.map { ReadableNumber.count($0) } ?? "–",
                    ]
                }))
    }

    var energy: Markup? {
        guard let total = run.energy else { return nil }
        let plot = BarPlot(
            identifier: "energy", title: "Energy a round" + (run.isEnergyMeasured ? "" : ", estimated"),
            summary: "\(ReadableNumber.energy(total, isMeasured: run.isEnergyMeasured)) in all.", yLabel: "J",
            rounds: run.rounds.map(\.number),
            series: [.init(style: "fill-c", name: "energy", values: run.rounds.map(\.energy))]
        ) { ReadableNumber.energy($0, isMeasured: run.isEnergyMeasured) }
        return plot.figure(
            table: .table(
                "Energy a round", ["#Round", "#Energy"],
                run.rounds.map { round in
                    [
                        "\(round.number)",
                        round.energy.map { ReadableNumber.energy($0, isMeasured: round.isEnergyMeasured) } ?? "–",
                    ]
                }))
    }
}
