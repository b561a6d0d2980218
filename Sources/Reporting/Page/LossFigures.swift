/// Loss over rounds and over what was sent for it.
struct LossFigures {
    private let run: ReportedRun

    init(_ run: ReportedRun) { self.run = run }

    private var heldOut: [(x: Double, y: Double, error: Double)] {
        let base = run.base.map { [(x: 0.0, y: $0.loss, error: $0.standardError)] } ?? []
        return base
            + run.rounds.compactMap { round in
                round.evaluation.map { (x: Double(round.number), y: $0.loss, error: $0.standardError) }
            }.filter { $0.y.isFinite }
    }

    private var worstDecile: [(x: Double, y: Double)] {
        let base = run.base.flatMap(\.worstDecile).map { [(x: 0.0, y: $0)] } ?? []
        return base
            + run.rounds.compactMap { round in
                round.evaluation.flatMap(\.worstDecile).map { (x: Double(round.number), y: $0) }
            }
    }

    var perRound: Markup? {
        let trained = run.rounds.compactMap { round in round.trainLoss.map { (x: Double(round.number), y: $0) } }
        guard !trained.isEmpty || heldOut.count > 1 else { return nil }
        let last = run.lastEvaluation.map {
            "After round \($0.round) the held-out loss is \(ReadableNumber.loss($0.evaluation.loss))"
        }
        let plot = LinePlot(
            identifier: "loss-round", title: "Loss per round",
            summary: [last, run.base.map { "the base model's \(ReadableNumber.loss($0.loss))" }].compactMap { $0 }
                .joined(separator: ", ") + ".", xLabel: "round", yLabel: "loss, nats a token",
            series: [
                .init(
                    style: "line-a", name: "held-out (± standard error)", points: heldOut.map { ($0.x, $0.y) },
                    errors: heldOut.map(\.error)),
                .init(style: "line-c", name: "held-out, worst tenth of the workers", points: worstDecile),
                .init(style: "line-b", name: "training, mean of the workers", points: trained),
            ], level: run.base.map { ("base model", $0.loss) },
            marks: (
                "rolled back",
                run.rollbacks.map { rollback in
                    .init(
                        x: Double(rollback.round), y: rollback.loss,
                        tip: "round \(rollback.round), attempt \(rollback.attempt), rolled back: "
                            + (rollback.loss.map { ReadableNumber.loss($0) } ?? "not finite"))
                }
            ), isWholeX: true)
        return plot.figure(table: perRoundTable)
    }

    private var perRoundTable: Markup {
        let hasWorst = !worstDecile.isEmpty
        func row(_ number: Int, _ trained: Double?, _ evaluation: ReportedRun.Evaluation?) -> [String] {
            [
                "\(number)", ReadableNumber.loss(trained), ReadableNumber.loss(evaluation?.loss),
                ReadableNumber.loss(evaluation?.standardError),
            ] + (hasWorst ? [ReadableNumber.loss(evaluation?.worstDecile)] : [])
        }
        return .table(
            "Loss per round, nats a token",
            ["#Round", "#Training", "#Held-out", "#Standard error"] + (hasWorst ? ["#Worst tenth"] : []),
            (run.base.map { [row(0, nil, $0)] } ?? [])
                + run.rounds.map { row($0.number, $0.trainLoss, $0.evaluation) })
    }

    /// What a loss has cost.
    var perByte: Markup? {
        let points = run.rounds.compactMap { round -> (x: Double, y: Double, bytes: UInt64, round: Int)? in
            guard let bytes = round.uplinkBytes, let loss = round.evaluation?.loss, loss.isFinite else { return nil }
            return (Double(bytes), loss, bytes, round.number)
        }
        guard let last = points.last else { return nil }
        let (unit, name) = Self.unit(last.x)
        let base = run.base.map { [(x: 0.0, y: $0.loss)] } ?? []
        let plot = LinePlot(
            identifier: "loss-byte", title: "Held-out loss per byte sent by workers",
            summary: "\(ReadableNumber.loss(last.y)) for \(ReadableNumber.bytes(last.bytes)).",
            xLabel: "sent so far, \(name)",
            yLabel: "loss, nats a token",
            series: [.init(style: "line-a", name: "held-out", points: base + points.map { ($0.x / unit, $0.y) })])
        return plot.figure(
            table: .table(
                "Held-out loss per byte sent by workers", ["#Round", "#Sent so far", "#Held-out loss"],
                points.map { ["\($0.round)", ReadableNumber.bytes($0.bytes), ReadableNumber.loss($0.y)] }))
    }

    var accuracy: Markup? {
        let base = run.base.flatMap { $0.accuracy }.map { [(x: 0.0, y: 100 * $0)] } ?? []
        let points =
            base
            + run.rounds.compactMap { round in
                round.evaluation.flatMap { $0.accuracy }.map { (x: Double(round.number), y: 100 * $0) }
            }
        guard let last = points.last, points.count > 1 else { return nil }
        let plot = LinePlot(
            identifier: "accuracy", title: "Held-out accuracy",
            summary: "\(ReadableNumber.fixed(last.y, 1)) % at the end.",
            xLabel: "round", yLabel: "accuracy, %",
            series: [.init(style: "line-c", name: "accuracy", points: points)], isWholeX: true)
        return plot.figure(
            table: .table(
                "Held-out accuracy", ["#Round", "#Accuracy, %"],
                points.map { [ReadableNumber.fixed($0.x, 0), ReadableNumber.fixed($0.y, 2)] }))
    }

    static func unit(_ bytes: Double) -> (Double, String) {
        bytes >= 2e9 ? (1e9, "GB") : bytes >= 2e6 ? (1e6, "MB") : (1e3, "kB")
    }
}
