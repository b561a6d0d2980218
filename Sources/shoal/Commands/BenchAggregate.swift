import ArgumentParser
import Benchmarking
import Federation
import Glibc

struct BenchAggregate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregate",
        abstract: "Measure how fast a coordinator folds a round's updates into their mean.",
        discussion: "A few different updates are written to a temporary folder, and workers share them in turn.")

    @Option(help: "Updates in the round.")
    var workers = 1_000

    @Option(help: "Values in an update.")
    var parameters = 2_440_000

    @Option(help: "The updates' codec, NAME[:key=value,…].")
    var codec = CodecName.dense

    @Option(help: "Robust rules in place of the mean, as in federation.robust: arc,nnm,trimmed-mean.")
    var robust: String?

    @Option(help: "Bad updates that the rules must withstand.")
    var f = 0

    @Option(help: "Threads to compute with; 0 takes one for each processor.")
    var threads = 0

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        for (name, value, range) in [
            ("workers", workers, 1...10_000_000), ("parameters", parameters, 1...1 << 28),
            ("threads", threads, 0...1024), ("f", f, 0...1_000_000),
        ] where !range.contains(value) {
            throw ValidationError("--\(name) must be from \(range.lowerBound) to \(range.upperBound)")
        }
        do { _ = try Codecs.make(codec) } catch { throw ValidationError("\(error)") }
        guard let robust else { return }
        guard let chain = rules else {
            throw ValidationError(
                "--robust \(robust) is no chain of rules; write, for example, arc,nnm,trimmed-mean (RULES: "
                    + RobustRule.allCases.map(\.rawValue).joined(separator: ", ") + ")")
        }
        let needed = chain.minimumUpdates(f: f)
        guard workers >= needed.count else {
            throw ValidationError("\(needed.rule.rawValue) needs \(needed.count) updates for --f \(f); raise --workers")
        }
    }

    /// The chain that ``robust`` names; `nil` for none, and for what is none.
    private var rules: RobustChain? {
        let words = robust?.split(separator: ",", omittingEmptySubsequences: false) ?? []
        let rules = words.compactMap { RobustRule(rawValue: String($0)) }
        return rules.count == words.count ? RobustChain(rules) : nil
    }

    func run() throws {
        let result = try usingInput {
            let folder = try TemporaryFolder.create(prefix: "shoal-bench-")
            defer { rmdir(folder) }
            return try AggregateBenchmark(
                codec, workers: workers, parameters: parameters, robust: rules.map { RobustOptions(chain: $0, f: f) }
            ).run(in: folder, threads: threads)
        }
        if json { return try JSONLine.print(result) }
        var table = TextTable(alignment: .left)
        table.add(
            "work",
            "\(Quantity.count(result.workers)) updates of \(Quantity.count(result.parameters)) parameters, "
                + "\(result.codec)\(result.rules.map { ", \($0)" } ?? ""), \(Quantity.count(result.updateBytes)) bytes each, \(result.threads) "
                + "thread\(result.threads == 1 ? "" : "s")")
        table.add("speed", "\(Quantity.fixed(result.updatesPerSecond, digits: 0)) updates/s")
        table.add("rate", "\(Quantity.fixed(result.denseGBPerSecond, digits: 1)) GB/s of float32")
        table.add("peak memory", "\(Quantity.fixed(result.peakRssMiB, digits: 0)) MiB")
        for line in table.lines { Console.output(line) }
    }
}
