public import ArgumentParser
import FineTuning
public import LanguageModel

struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a copy of a model whose linear layers take 8 or 4 bits a weight.",
        discussion: """
            Every command takes the copy where it takes a model, with no further options. Adapters trained on it belong \
            to it: a run's workers must all use the same copy.
            """)

    @Option(help: "The base model: a Hugging Face directory, or built-in.")
    var model: String

    @Option(help: "int8 (one scale an output channel) or nf4 (4-bit NormalFloat, double quantisation).")
    var to: QuantisationFormat

    @Option(help: "Directory to write; it must not exist yet, or be empty.")
    var out: String

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    @OptionGroup var log: LogOptions

    func run() throws {
        let result = try usingInput {
            Result(try ModelDirectory(BuiltInModel.resolve(model)).quantise(to: to, at: out), path: out)
        }
        if json {
            try JSONLine.print(result)
        } else {
            Console.output(
                "\(out): \(result.format), \(Quantity.count(result.matrices)) matrices of "
                    + "\(Quantity.count(result.values)) values, file of \(Quantity.bytes(UInt64(result.bytes))); "
                    + "relative error of the weights \(Quantity.fixed(100 * result.relativeError, digits: 2)) %")
        }
    }

    private struct Result: Encodable {
        let path: String
        let format: String
        let matrices: Int
        let values: Int
        let bytes: Int
        let relativeError: Double

        init(_ report: QuantisationReport, path: String) {
            self.path = path
            format = report.format.rawValue
            matrices = report.matrices
            values = report.values
            bytes = report.bytes
            relativeError = report.relativeError
        }
    }
}

extension QuantisationFormat: ExpressibleByArgument {}
