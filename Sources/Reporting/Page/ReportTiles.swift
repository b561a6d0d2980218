/// The few numbers that a reader wants first.
struct ReportTiles {
    struct Tile {
        let name: String
        let value: String
        let note: String
    }

    let all: [Tile]

    init(_ run: ReportedRun) {
        var tiles = [
            Tile(
                name: "Rounds published", value: ReadableNumber.count(run.rounds.count),
                note: run.plannedRounds.map { "of \(ReadableNumber.count($0)) planned" } ?? "")
        ]
        if let last = run.lastEvaluation {
            let change = run.base.map { base in
                "\(ReadableNumber.change(from: base.loss, to: last.evaluation.loss)) from \(ReadableNumber.loss(base.loss))"
            }
            tiles.append(
                Tile(
                    name: "Held-out loss", value: ReadableNumber.loss(last.evaluation.loss),
                    note: (change.map { $0 + ", " } ?? "") + "round \(last.round)"))
            if let accuracy = last.evaluation.accuracy {
                tiles.append(
                    Tile(
                        name: "Accuracy", value: ReadableNumber.fixed(100 * accuracy, 1) + " %",
                        note: "round \(last.round)"))
            }
        } else if let base = run.base {
            tiles.append(Tile(name: "Held-out loss", value: ReadableNumber.loss(base.loss), note: "the base model's"))
        }
        let seconds = run.rounds.map(\.seconds).reduce(0, +)
        if seconds > 0 {
            tiles.append(
                Tile(
                    name: "Time in rounds", value: ReadableNumber.seconds(seconds),
                    note: "\(ReadableNumber.seconds(seconds / Double(run.rounds.count))) each"))
        }
        if let last = run.rounds.last, let up = last.uplinkBytes {
            tiles.append(
                Tile(
                    name: "Sent by workers", value: ReadableNumber.bytes(up),
                    note: Self.against(up, last.denseUplinkBytes)))
        }
        let active = run.workers.count { $0.updates > 0 }
        if active > 0 {
            let updates = run.workers.map(\.updates).reduce(0, +)
            tiles.append(
                Tile(
                    name: "Workers that gave updates", value: ReadableNumber.count(active),
                    note: "\(ReadableNumber.count(updates)) updates"))
        }
        if let privacy = run.privacy {
            tiles.append(
                Tile(
                    name: "Epsilon spent", value: ReadableNumber.fixed(privacy.epsilonSpent, 3),
                    note: "of \(ReadableNumber.fixed(privacy.epsilon, 3))"))
        }
        if let energy = run.energy {
            tiles.append(
                Tile(
                    name: "Energy", value: ReadableNumber.energy(energy, isMeasured: run.isEnergyMeasured),
                    note: run.isEnergyMeasured
                        ? "of the workers, measured" : "of the workers, estimated in whole or in part"))
        }
        all = tiles
    }

    /// How much smaller or larger than plain updates; a twentieth is as much.
    static func against(_ bytes: UInt64, _ dense: UInt64?) -> String {
        guard let dense, bytes > 0, dense > 0 else { return "" }
        let less = Double(dense) / Double(bytes)
        let factor = max(less, 1 / less)
        guard factor >= 1.05 else { return "as much as plain updates" }
        // 1.05 to one place would be either 1.0 or 1.1.
        let digits = factor < 1.1 ? 2 : factor < 10 ? 1 : 0
        return "\(ReadableNumber.fixed(factor, digits)) times \(less > 1 ? "less" : "more") than plain updates"
    }
}
