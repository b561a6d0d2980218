public import ArgumentParser
internal import Benchmarking
public import Federation

struct BenchCodec: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codec",
        abstract: "Measure update codecs: size, error and speed, on normally distributed values.")

    @Option(help: "Values in the update.")
    var parameters = 1_048_576

    @Option(help: "A codec, NAME[:key=value,…]; may be repeated (default: each one at several settings).")
    var codec: [CodecName] = []

    @Flag(help: "Print one JSON object a codec instead of text.")
    var json = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (1...1 << 28).contains(parameters) else {
            throw ValidationError("--parameters must be from 1 to \(1 << 28)")
        }
        for name in codec {
            do { _ = try Codecs.make(name) } catch { throw ValidationError("\(error)") }
        }
    }

    func run() throws {
        let benchmark = try CodecBenchmark(
            codec.isEmpty ? CodecBenchmark.defaultCodecs : codec, parameters: parameters)
        if json { return try benchmark.run { try JSONLine.print($0) } }
        var table = TextTable()
        table.add("codec", "bits/value", "NMSE", "over limit", "encode MB/s", "decode MB/s")
        try benchmark.run { result in
            table.add(
                result.codec, Quantity.fixed(result.bitsPerCoordinate, digits: 4),
                Quantity.fixed(result.nmse, digits: 6), Quantity.fixed(result.nmseOverLimit, digits: 2),
                Quantity.fixed(result.encodeMBPerSecond, digits: 0), Quantity.fixed(result.decodeMBPerSecond, digits: 0)
            )
        }
        for line in table.lines { Console.output(line) }
    }
}

extension CodecName: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
