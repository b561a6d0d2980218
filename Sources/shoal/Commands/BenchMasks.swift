import ArgumentParser
import Benchmarking
import SecureAggregation

struct BenchMasks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "masks",
        abstract: "Measure secure aggregation: a cohort's sum under pairwise masks, with workers that drop out.",
        discussion: """
            All workers and the coordinator run one after another in this process. The number of neighbours and the \
            threshold follow from --corrupt and --assumed-dropout; those of --dropout leave after sharing their secrets.
            """)

    @Option(help: "Workers in the cohort.")
    var workers = 1_000

    @Option(help: "Values in an update.")
    var parameters = 100_000

    @Option(help: "Share of the workers that drop out.")
    var dropout = 0.05

    @Option(help: "Share that the masks must withstand colluding with the coordinator.")
    var corrupt = 0.1

    @Option(help: "Share that may drop out without losing the sum.")
    var assumedDropout = 0.1

    @Option(help: "Steps on each side of zero that an update's values are rounded to.")
    var levels = 127

    @Option(help: "Largest weight of an update.")
    var weights = 100

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        for (name, value, range) in [
            ("workers", workers, 2...100_000), ("parameters", parameters, 1...1 << 28),
            ("levels", levels, 1...1 << 24), ("weights", weights, 1...1 << 24),
        ] where !range.contains(value) {
            throw ValidationError("--\(name) must be from \(range.lowerBound) to \(range.upperBound)")
        }
        for (name, value) in [("dropout", dropout), ("corrupt", corrupt), ("assumed-dropout", assumedDropout)]
        where !(0...0.5).contains(value) {
            throw ValidationError("--\(name) must be from 0 to 0.5")
        }
    }

    func run() throws {
        let terms = MaskingTerms(
            assumptions: MaskingAssumptions(corruptFraction: corrupt, dropoutFraction: assumedDropout),
            minimumCohort: 2,
            quantisation: WeightedQuantisation(clip: 1, levels: levels, weightLimit: weights),
            parameterCount: parameters)
        let result = try usingInput { try MasksBenchmark(workers: workers, dropout: dropout, terms: terms).run() }
        if json { return try JSONLine.print(result) }
        var table = TextTable(alignment: .left)
        table.add(
            "work",
            "\(Quantity.count(result.workers)) workers, \(Quantity.count(result.parameters)) parameters, "
                + "\(Quantity.count(result.dropped)) dropping out")
        table.add("graph", "\(result.neighbours) neighbours each, threshold \(result.threshold)")
        table.add(
            "masked vector",
            "\(Quantity.bytes(UInt64(result.maskedVectorBytes))), \(result.bits) bits a value")
        table.add(
            "worker",
            "\(Quantity.fixed(result.clientSecondsMedian, digits: 3)) s; slowest "
                + "\(Quantity.fixed(result.clientSecondsMax, digits: 3)) s")
        table.add(
            "traffic",
            "\(Quantity.bytes(UInt64(result.uplinkBytes))) up, \(Quantity.bytes(UInt64(result.downlinkBytes))) down: "
                + "\(Quantity.fixed(result.trafficOverVector, digits: 3)) times the masked vector")
        table.add(
            "coordinator",
            "\(Quantity.fixed(result.serverUnmaskSeconds, digits: 2)) s to unmask, "
                + "\(Quantity.fixed(result.serverSeconds, digits: 2)) s before")
        for line in table.lines { Console.output(line) }
    }
}
