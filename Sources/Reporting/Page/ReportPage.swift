/// A run as one HTML file that asks nobody for anything: it can be mailed, archived and printed.
public struct ReportPage {
    private let run: ReportedRun

    public init(_ run: ReportedRun) { self.run = run }

    /// The file's text, UTF-8.
    public func html() -> String {
        var main = Markup()
        for section in [
            losses, traffic, time, gate, workers, suspicion, privacy, energy, rounds, settings, provenance, events,
        ] {
            if let section { main += section }
        }
        let title = "Shoal run \(run.id)"
        let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="\(policy)">
            <title>\(Markup.escaped(title))</title>
            <style>
            \(ReportStyle.text)
            </style>
            </head>
            <body>
            \(header.text)
            \(Markup.element("main", main).text)
            \(footer.text)
            </body>
            </html>

            """
    }

    // MARK: - Head and foot

    private var header: Markup {
        let name =
            Markup(raw: Markup.escaped("Run \(run.id)"))
            + .element("span", ["class": "state \(run.state)"], text: run.state)
        var parts = Markup.element("h1", name)
        if let waiting = run.waitingFor {
            parts += .element("p", ["class": "wait"], text: "Waiting: \(waiting)")
        }
        var tiles = Markup()
        for tile in ReportTiles(run).all {
            tiles += .element(
                "div",
                .element("dt", text: tile.name)
                    + .element("dd", Markup(raw: Markup.escaped(tile.value)) + .element("small", text: tile.note)))
        }
        return .element("header", parts + .element("dl", ["class": "tiles"], tiles))
    }

    private var footer: Markup {
        .element("footer", text: "Made \(run.madeAt) by Shoal \(run.software). This file loads nothing from anywhere.")
    }

    // MARK: - Sections

    private func section(_ identifier: String, _ title: String, _ note: String? = nil, _ parts: [Markup]) -> Markup? {
        guard !parts.isEmpty else { return nil }
        var content = Markup.element("h2", ["id": identifier + "-h"], text: title)
        if let note { content += .element("p", ["class": "quiet"], text: note) }
        for part in parts { content += part }
        return .element("section", ["aria-labelledby": identifier + "-h"], content)
    }

    private func plots(_ figures: [Markup?]) -> [Markup] {
        let shown = figures.compactMap { $0 }
        guard !shown.isEmpty else { return [] }
        return [.element("div", ["class": "plots"], shown.reduce(Markup(), +))]
    }

    private var losses: Markup? {
        let figures = LossFigures(run)
        return section("loss", "Loss", nil, plots([figures.perRound, figures.perByte, figures.accuracy]))
    }

    private var traffic: Markup? {
        let figures = TrafficFigures(run)
        return section("traffic", "Updates and bytes", figures.note, plots([figures.bytes, figures.updates]))
    }

    private var time: Markup? {
        let figures = TimeFigures(run)
        return section("time", "Time", nil, plots([figures.durations, RoundTimeline(run).figure, figures.staleness]))
    }

    private var gate: Markup? {
        guard run.gateTolerance != nil || !run.rollbacks.isEmpty else { return nil }
        var decisions = run.rollbacks.map { rollback in
            (
                (rollback.round, rollback.attempt),
                [
                    "\(rollback.round)", "\(rollback.attempt)", "rolled back",
                    rollback.loss.map { ReadableNumber.loss($0) } ?? "not finite",
                    ReadableNumber.loss(rollback.reference),
                    ReadableNumber.loss(rollback.tolerance),
                ]
            )
        }
        for round in run.rounds where round.evaluation != nil {
            decisions.append(
                (
                    (round.number, round.attempt),
                    [
                        "\(round.number)", "\(round.attempt)", "published", ReadableNumber.loss(round.evaluation?.loss),
                        "",
                        run.gateTolerance.map { ReadableNumber.loss($0) } ?? "–",
                    ]
                ))
        }
        let rows = decisions.sorted { $0.0 < $1.0 }.map(\.1)
        let note =
            run.rollbacks.isEmpty
            ? "No round was rolled back." : "\(run.rollbacks.count) attempts were rolled back and made again."
        return section(
            "gate", "Quality gate", note,
            [
                .table(
                    "What the gate decided of each evaluated attempt",
                    ["#Round", "#Attempt", "Decision", "#Held-out loss", "#Held against", "#Tolerance"],
                    rows)
            ])
    }

    private var workers: Markup? {
        if run.hidesParticipation {
            return section(
                "workers", "Workers", "Who and how many took part is secret: the run's privacy rests on it.", [Markup()]
            )
        }
        let figures = WorkerFigures(run)
        return section(
            "workers", "Workers", figures.note,
            plots([figures.heldOut, figures.losses]) + [figures.table].compactMap { $0 })
    }

    private var suspicion: Markup? {
        section(
            "suspicion", "Suspicion",
            "From 0 to 1: how far a worker's updates lie from what its rounds became, next to the others'. 0.5 is like "
                + "anybody; unusual data look the same as bad intent.",
            plots([WorkerFigures(run).suspicion]))
    }

    private var privacy: Markup? {
        guard let privacy = run.privacy else { return nil }
        var note =
            "(ε, δ)-differential privacy for each worker with all its text together, mechanism \(privacy.mechanism), "
            + "δ = \(privacy.delta)."
        if privacy.isSimulation { note += " This is a simulation: its noise came from a seed." }
        let spent = [
            ["spent", ReadableNumber.fixed(privacy.epsilonSpent, 4)],
            ["budget", ReadableNumber.fixed(privacy.epsilon, 4)],
            ["more rounds that fit", ReadableNumber.count(privacy.stepsLeft)],
        ]
        let plot = RowPlot(
            identifier: "epsilon", title: "Privacy budget spent",
            summary: "Epsilon \(spent[0][1]) of \(spent[1][1]) is spent.", xLabel: "epsilon",
            rows: [
                .init(
                    name: "spent", spans: [.init(range: 0...max(0, privacy.epsilonSpent))], tip: "spent: \(spent[0][1])"
                ),
                .init(
                    name: "budget", spans: [.init(range: 0...privacy.epsilon, style: "frame")],
                    tip: "budget: \(spent[1][1])"),
            ])
        return section(
            "privacy", "Privacy", note, plots([plot.figure(table: .table("Privacy budget", ["", "#Epsilon"], spent))]))
    }

    private var energy: Markup? {
        guard run.energy != nil else { return nil }
        return section(
            "energy", "Energy",
            run.isEnergyMeasured
                ? "Of training, as the workers' processors counted it."
                : "Of training, as the workers told. What stands behind ≈ is an estimate from processor time, in whole or in "
                    + "part: good for comparing rounds and workers, not for a bill.",
            plots([TrafficFigures(run).energy]))
    }

    private var rounds: Markup? {
        guard !run.rounds.isEmpty else { return nil }
        return section("rounds", "Every round", nil, [RoundTable(run).markup])
    }

    private func facts(_ caption: String, _ facts: [ReportedRun.Fact]) -> [Markup] {
        guard !facts.isEmpty else { return [] }
        let rows = facts.map {
            Markup.element("tr", .element("th", ["scope": "row"], text: $0.name) + .element("td", text: $0.value))
        }
        return [
            .element(
                "table", ["class": "facts"],
                .element("caption", text: caption) + .element("tbody", rows.reduce(Markup(), +)))
        ]
    }

    private var settings: Markup? { section("settings", "Settings", nil, facts("Settings of the run", run.settings)) }

    private var provenance: Markup? {
        section("provenance", "Provenance", nil, facts("Where its adapter comes from", run.provenance))
    }

    private var events: Markup? { section("events", "Newest events", nil, facts("Events", run.events)) }
}
