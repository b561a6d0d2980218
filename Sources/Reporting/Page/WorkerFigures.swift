/// What each worker gave, and how its training went.
struct WorkerFigures {
    private let run: ReportedRun

    init(_ run: ReportedRun) { self.run = run }

    var note: String? {
        guard !run.workers.isEmpty else { return nil }
        let active = run.workers.count { $0.updates > 0 }
        return
            "\(ReadableNumber.count(active)) of \(ReadableNumber.count(run.workers.count)) enrolled workers gave updates."
    }

    /// Training loss of a worker's first and newest update.
    var losses: Markup? {
        let known = run.workers.compactMap { worker -> (name: String, first: Double, last: Double)? in
            guard let first = worker.firstLoss, let last = worker.lastLoss, worker.updates > 1 else { return nil }
            return (worker.name, first, last)
        }
        guard !known.isEmpty else { return nil }
        let shown = known.sorted { $0.last > $1.last }.prefix(RowPlot.rowCountMax)
        let better = known.count { $0.last < $0.first }
        let plot = RowPlot(
            identifier: "worker-losses",
            title: "Training loss of each worker, first and newest update"
                + (shown.count < known.count ? " (the \(shown.count) highest)" : ""),
            summary: "\(better) of \(known.count) workers' training loss fell.", xLabel: "loss, nats a token",
            rows: shown.map { worker in
                .init(
                    name: worker.name, points: [worker.first, worker.last],
                    tip: "\(worker.name): \(ReadableNumber.loss(worker.first)) to \(ReadableNumber.loss(worker.last))")
            }, key: [("hollow", "first update"), ("dot line-a", "newest update")])
        return plot.figure(
            table: .table(
                "Training loss of each worker", ["Worker", "#First", "#Newest", "#Change"],
                known.map {
                    [
                        $0.name, ReadableNumber.loss($0.first), ReadableNumber.loss($0.last),
                        ReadableNumber.change(from: $0.first, to: $0.last),
                    ]
                }))
    }

    var table: Markup? {
        guard !run.workers.isEmpty else { return nil }
        let hasEnergy = run.workers.contains { $0.energy != nil }
        let columns =
            ["Worker", "#Updates", "#Failures", "#Items", "#Tokens", "#Newest training loss"]
            + (hasEnergy ? ["#Energy"] : [])
        return .table(
            "What each worker gave", columns,
            run.workers.map { worker in
                [
                    worker.name + (worker.isRevoked ? " (revoked)" : ""), ReadableNumber.count(worker.updates),
                    ReadableNumber.count(worker.failures), ReadableNumber.count(worker.items),
                    ReadableNumber.count(worker.tokens), ReadableNumber.loss(worker.lastLoss),
                ] + (hasEnergy ? [worker.energy.map { ReadableNumber.energy($0) } ?? "–"] : [])
            })
    }

    var suspicion: Markup? {
        let known = run.workers.compactMap { worker in worker.suspicion.map { (name: worker.name, score: $0) } }
            .sorted { ($1.score, $0.name) < ($0.score, $1.name) }
        guard !known.isEmpty else { return nil }
        let shown = known.prefix(RowPlot.rowCountMax)
        let plot = RowPlot(
            identifier: "suspicion",
            title: "Suspicion" + (shown.count < known.count ? " (the \(shown.count) highest of \(known.count))" : ""),
            summary: "The highest is \(ReadableNumber.fixed(known[0].score, 3)), of \(known[0].name).",
            xLabel: "suspicion",
            rows: shown.map {
                .init(name: $0.name, points: [$0.score], tip: "\($0.name): \(ReadableNumber.fixed($0.score, 3))")
            }, domain: 0...1, level: 0.5, key: [("level", "like anybody")])
        return plot.figure(
            table: .table(
                "Suspicion", ["Worker", "#Score"], known.map { [$0.name, ReadableNumber.fixed($0.score, 3)] }))
    }
}
