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

    /// What each worker's own held-out text says of the first and of the newest adapter.
    var heldOut: Markup? {
        Self.change(
            identifier: "worker-held-out", title: "Held-out loss of each worker's own text, before and after",
            summary: "workers' held-out loss fell", ends: ("before", "after"),
            run.workers.compactMap { worker in
                worker.heldOut.map { (worker.name, $0.before.loss, $0.after.loss) }
            })
    }

    /// Training loss of a worker's first and newest update.
    var losses: Markup? {
        Self.change(
            identifier: "worker-losses", title: "Training loss of each worker, first and newest update",
            summary: "workers' training loss fell", ends: ("first update", "newest update"),
            run.workers.compactMap { worker in
                guard let first = worker.firstLoss, let last = worker.lastLoss, worker.updates > 1 else { return nil }
                return (worker.name, first, last)
            })
    }

    /// One row a worker, the highest losses first; the table has them all.
    ///
    /// - Parameters:
    ///   - summary: What follows how many of how many fell.
    ///   - ends: What the two points of a row are.
    private static func change(
        identifier: String, title: String, summary: String, ends: (first: String, last: String),
        _ known: [(name: String, first: Double, last: Double)]
    ) -> Markup? {
        guard !known.isEmpty else { return nil }
        let shown = known.sorted { $0.last > $1.last }.prefix(RowPlot.rowCountMax)
        let better = known.count { $0.last < $0.first }
        let plot = RowPlot(
            identifier: identifier,
            title: title + (shown.count < known.count ? " (the \(shown.count) highest)" : ""),
            summary: "\(better) of \(known.count) \(summary).", xLabel: "loss, nats a token",
            rows: shown.map { worker in
                .init(
                    name: worker.name, points: [worker.first, worker.last],
                    tip: "\(worker.name): \(ReadableNumber.loss(worker.first)) to \(ReadableNumber.loss(worker.last))")
            }, key: [("hollow", ends.first), ("dot line-a", ends.last)])
        return plot.figure(
            table: .table(
                title, ["Worker", "#" + ends.first, "#" + ends.last, "#Change"],
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
                    worker.tokens.map { ReadableNumber.count($0) } ?? "–", ReadableNumber.loss(worker.lastLoss),
                ] + (hasEnergy ? [Self.energy(of: worker)] : [])
            })
    }

    private static func energy(of worker: ReportedRun.Worker) -> String {
        worker.energy.map { ReadableNumber.energy($0, isMeasured: worker.isEnergyMeasured) } ?? "–"
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
