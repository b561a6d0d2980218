import ArgumentParser
import Auditing
import Federation
import FineTuning
import LanguageModel

struct AuditFairness: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fairness", abstract: "Show how evenly an adapter serves the workers of a data file.",
        discussion: """
            Rows name their worker; each worker's loss is the mean over the blocks of its own text, as everywhere. \
            --alone adds the gap to what each worker has on its own: a folder with a PEFT directory a worker, under \
            its name.
            """)

    @OptionGroup var target: AuditTarget

    @Option(help: "Text with a column worker: .jsonl or .csv.")
    var data: String

    @Option(help: "Use only rows of this split: train, test.")
    var split = DataRow.Split.test

    @Option(help: "Folder of the adapters that workers trained alone, one a worker.")
    var alone: String?

    @Flag(help: "Print JSON: one object a worker, then one with the summary.")
    var json = false

    @OptionGroup var log: LogOptions

    func run() throws {
        try usingInput {
            let (base, adapter) = try target.base()
            let grouped = try base.blocks(of: .file(data), split: split, length: target.sequenceLength)
            for warning in grouped.skipped { Console.error("warning: \(warning)") }
            let workers = try grouped.groups.compactMap { group -> FairnessLine? in
                guard let worker = group.worker else { return nil }
                let loss = { (adapter: LowRankAdapter?) in
                    BlockLosses(
                        try LossEvaluation.losses(of: group.blocks, model: base.model, adapter: adapter)
                    ).mean
                }
                let own = try alone.map { try base.adapter(at: "\($0)/\(worker)") }
                return FairnessLine(
                    worker: worker, blocks: group.blocks.count, base: try loss(nil), loss: try loss(adapter),
                    alone: try own.map { try loss($0) })
            }
            guard !workers.isEmpty else {
                throw CommandFailure.badInput(
                    "\(data): no row of split '\(split)' names its worker, or none has a whole block; see --split and "
                        + "--sequence-length")
            }
            try show(workers)
        }
    }

    private func show(_ workers: [FairnessLine]) throws {
        let summary = FairnessSummary(workers)
        if json {
            for worker in workers { try JSONLine.print(worker) }
            return try JSONLine.print(summary)
        }
        var table = TextTable()
        table.add("", "base", "adapter", alone == nil ? "" : "alone")
        let (base, tuned) = (LossSpread(workers.map(\.base)), LossSpread(workers.map(\.loss)))
        let own = alone.map { _ in LossSpread(workers.compactMap(\.alone)) }
        for (name, value) in LossSpread.rows {
            table.add(
                name, Quantity.loss(base[keyPath: value]), Quantity.loss(tuned[keyPath: value]),
                own.map { Quantity.loss($0[keyPath: value]) } ?? "")
        }
        for line in table.lines { Console.output(line) }
        Console.output(
            "\(summary.worseThanBase) of \(workers.count) workers have a higher loss than with the base model")
        if let worse = summary.worseThanAlone {
            Console.output("\(worse) of \(workers.count) workers would do better alone")
        }
    }
}

extension LossSpread {
    fileprivate static let rows: [(String, any KeyPath<LossSpread, Double> & Sendable)] = [
        ("mean over workers", \.mean), ("deviation", \.deviation), ("best", \.best), ("median", \.median),
        ("worst decile", \.worstDecile), ("worst", \.worst),
    ]
}

/// One worker's losses. Unit: nats a token.
private struct FairnessLine: Encodable {
    let worker: String
    let blocks: Int
    let base: Double
    let loss: Double
    let alone: Double?
}

private struct FairnessSummary: Encodable {
    let workers: Int
    let mean: Double
    let deviation: Double
    let median: Double
    let worstDecile: Double
    let worst: Double
    let worseThanBase: Int
    /// Mean over workers of the adapter's loss less that of the worker's own.
    let gapToAlone: Double?
    let worseThanAlone: Int?

    init(_ lines: [FairnessLine]) {
        let spread = LossSpread(lines.map(\.loss))
        workers = spread.workers
        mean = spread.mean
        deviation = spread.deviation
        median = spread.median
        worstDecile = spread.worstDecile
        worst = spread.worst
        worseThanBase = lines.count { $0.loss > $0.base }
        let gaps = lines.compactMap { line in line.alone.map { line.loss - $0 } }
        gapToAlone = gaps.isEmpty ? nil : LossSpread(gaps).mean
        worseThanAlone = gaps.isEmpty ? nil : gaps.count { $0 > 0 }
    }
}
