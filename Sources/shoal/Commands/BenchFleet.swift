import ArgumentParser
import Federation
import Transport

struct BenchFleet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet",
        abstract:
            "Measure rounds of a whole fleet: real processes, encrypted connections, durable updates, no training.")

    @Option(help: "Workers, all asked in every round.")
    var workers = 8

    @Option(
        help:
            "Processes that the workers share; as many connections each as it takes (default: one a worker, at most 64)."
    )
    var processes: Int?

    @Option(help: "Values in the adapter and in each update.")
    var parameters = 2_440_000

    @Option(help: "The updates' codec, NAME[:key=value,…].")
    var codec = CodecName.dense

    @Option(help: "Rounds.")
    var rounds = 10

    @Option(
        help: "Folder for the run's state, on the disk to be measured (default: a temporary one, removed at the end).")
    var state: String?

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (1...100_000).contains(workers) else { throw ValidationError("--workers must be from 1 to 100000") }
        if let processes, !(1...workers).contains(processes) {
            throw ValidationError("--processes must be from 1 to the number of workers, \(workers)")
        }
        guard (1...1 << 28).contains(parameters) else {
            throw ValidationError("--parameters must be from 1 to \(1 << 28)")
        }
        guard (1...100_000).contains(rounds) else { throw ValidationError("--rounds must be from 1 to 100000") }
        do { _ = try Codecs.make(codec) } catch { throw ValidationError("\(error)") }
    }

    func run() async throws {
        let benchmark = FleetBenchmark(
            workers: workers, processes: processes ?? min(workers, 64), parameters: parameters, codec: codec,
            rounds: rounds, log: log)
        let result = try await benchmark.run(state: state)
        if json { return try JSONLine.print(result) }
        var table = TextTable()
        table.add("updates/s", Quantity.fixed(result.updatesPerSecond, digits: 2))
        table.add("uplink, MB/s", Quantity.fixed(result.uplinkMBPerSecond, digits: 1))
        table.add(
            "round, ms (p50, p99)", Quantity.fixed(result.roundMillisecondsP50, digits: 1),
            Quantity.fixed(result.roundMillisecondsP99, digits: 1))
        table.add("coordinator memory, MiB", Quantity.fixed(result.coordinatorRssMiB, digits: 0))
        table.add(
            "of it early and late, MiB", Quantity.fixed(result.coordinatorRssEarlyMiB, digits: 0),
            Quantity.fixed(result.coordinatorRssLateMiB, digits: 0))
        if let slowest = result.joinMillisecondsMax {
            table.add("slowest answer to a joining worker, ms", Quantity.fixed(slowest, digits: 0))
        }
        table.add("largest worker process, MiB", Quantity.fixed(result.workerRssMiB, digits: 0))
        table.add("disk, sequential write, MB/s", Quantity.fixed(result.diskMBPerSecond, digits: 0))
        table.add("CURVE alone, one way, MB/s", Quantity.fixed(result.curveMBPerSecond, digits: 0))
        table.add("of min(disk, CURVE / 2)", Quantity.fixed(result.shareOfLimit * 100, digits: 0) + "%")
        for line in table.lines { Console.output(line) }
    }
}

/// The workers of one of the benchmark's processes.
struct BenchFleetWorkers: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "fleet-workers", shouldDisplay: false)

    @Option(help: "A folder with one worker's join file.")
    var folder: [String]

    @OptionGroup var log: LogOptions

    func run() throws {
        try FleetBenchmarkWorkers(folders: folder).run(logger: log.logger("shoal.worker"))
    }
}
