/// How the newest round went: for each worker, what the time between its offer and its recorded update went into.
struct RoundTimeline {
    private let run: ReportedRun

    init(_ run: ReportedRun) { self.run = run }

    /// What a stretch of time went into, as far as a coordinator can know.
    private enum Phase: String, CaseIterable {
        case offered = "offered, no answer yet"
        case downloading = "downloading, or waiting for its turn"
        case training = "training"
        case uploading = "sending its update"
        case unknown = "not known (a record of an earlier release, in whole seconds)"

        var style: String {
            switch self {
            case .offered, .unknown: "fill-q"
            case .downloading: "fill-b"
            case .training: "fill-a"
            case .uploading: "fill-c"
            }
        }
    }

    private struct Course {
        let arrival: ReportedRun.Arrival
        let phases: [(phase: Phase, range: ClosedRange<Double>)]
        /// When training began, as the worker's own time tells.
        let trained: Double?

        init(_ arrival: ReportedRun.Arrival) {
            self.arrival = arrival
            let end = arrival.seconds
            guard let offered = arrival.offered, offered <= end else {
                phases = [(.unknown, min(0, end)...end)]
                trained = nil
                return
            }
            // Each step after the one before it, whatever clock told it.
            let sent = arrival.sent.map { min(max($0, offered), end) } ?? end
            let answered = arrival.answered.map { min(max($0, offered), sent) } ?? offered
            trained = arrival.trainingSeconds.map { max(answered, sent - max(0, $0)) }
            let steps: [(Phase, Double, Double)] = [
                (.offered, offered, answered), (.downloading, answered, trained ?? answered),
                (.training, trained ?? answered, sent), (.uploading, sent, end),
            ]
            phases = steps.filter { $0.1 < $0.2 }.map { ($0.0, $0.1...$0.2) }
        }
    }

    var figure: Markup? {
        guard let round = run.rounds.last, !run.arrivals.isEmpty else { return nil }
        let courses = run.arrivals.map { Course($0) }
        let shown = courses.prefix(RowPlot.rowCountMax)
        let ends = shown.map(\.arrival.seconds)
        let starts = shown.compactMap { $0.phases.first?.range.lowerBound }
        let known = Phase.allCases.filter { phase in shown.contains { $0.phases.contains { $0.phase == phase } } }
        let plot = RowPlot(
            identifier: "timeline",
            title: "Round \(round.number), worker by worker"
                + (courses.count > shown.count ? " (the first \(shown.count) of \(courses.count))" : ""),
            summary: "The last of \(courses.count) updates came after \(time(ends.max() ?? 0)).",
            xLabel: "seconds since the round was opened", rows: shown.map(row),
            domain: min(0, starts.min() ?? 0)...max(1e-3, round.seconds, ends.max() ?? 0), level: round.seconds,
            key: known.map { ($0.style, $0.rawValue) } + [("level", "publication")])
        return plot.figure(
            table: .table(
                "Updates of round \(round.number): after how long",
                ["Worker", "#Offered", "#Answered", "#Training", "#Sending", "#Recorded"],
                courses.map { course in
                    [
                        course.arrival.worker, time(course.arrival.offered), time(course.arrival.answered),
                        time(course.trained), time(course.arrival.sent), time(course.arrival.seconds),
                    ]
                }))
    }

    private func row(_ course: Course) -> RowPlot.Row {
        let name = course.arrival.worker
        return RowPlot.Row(
            name: name,
            spans: course.phases.map { phase, range in
                .init(
                    range: range, style: phase.style,
                    tip: "\(name): \(phase.rawValue), \(time(range.upperBound - range.lowerBound))")
            }, tip: name)
    }

    /// Milliseconds where the whole round is short.
    private func time(_ seconds: Double?) -> String {
        guard let seconds else { return "–" }
        guard abs(seconds) < 10 else { return ReadableNumber.seconds(seconds) }
        return ReadableNumber.fixed(seconds, 3) + " s"
    }
}
