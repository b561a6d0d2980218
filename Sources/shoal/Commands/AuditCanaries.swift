public import ArgumentParser
public import Auditing
import Foundation
import ModelFiles
import Randomness

struct AuditCanaries: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "canaries", abstract: "Put made-up secrets into a data file, each by a secret coin.",
        discussion: """
            Train on --out as on --data, keep --canaries where nobody who trains can read it, and give it to \
            `shoal audit run` afterwards. With --unit worker each inserted canary is a worker of its own, in the column \
            worker of a simulation's file: what worker-level differential privacy counts. With --unit example they \
            are rows of one worker's text.
            """)

    @Option(help: "The text: .jsonl.")
    var data: String

    @Option(help: "Canaries to make; about half of them are inserted.")
    var count: Int

    @Option(help: "Where the text with the inserted canaries goes: .jsonl.")
    var out: String

    @Option(help: "Where the canaries and their coins go: a secret until the audit.")
    var canaries: String

    @Option(help: "What a canary is to the guarantee: worker, example.")
    var unit = CanarySet.Unit.example

    @Option(help: "The worker that rows of --unit example belong to (default: none is named).")
    var worker: String?

    @Option(help: "How often an inserted canary stands in the text.")
    var repeats = 8

    @Option(help: "Draw canaries and coins from this seed: in tests only, for whoever knows it knows the coins.")
    var seed: UInt64?

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (2...100_000).contains(count) else { throw ValidationError("--count must be from 2 to 100000") }
        guard (1...10_000).contains(repeats) else { throw ValidationError("--repeats must be from 1 to 10000") }
        guard worker == nil || unit == .example else { throw ValidationError("--worker belongs to --unit example") }
        guard data.hasSuffix(".jsonl"), out.hasSuffix(".jsonl") else {
            throw ValidationError("--data and --out must be .jsonl files")
        }
    }

    func run() throws {
        try usingInput {
            _ = try DataSourceCheck.rows(of: data)
            guard let text = FileManager.default.contents(atPath: data) else {
                throw CommandFailure.badInput("\(data) cannot be read")
            }
            let set = canarySet()
            var bytes = Array(text)
            if let last = bytes.last, last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
            for canary in set.inserted {
                let row = CanaryRow(text: canary.text, worker: unit == .worker ? canary.name : worker)
                let line = Array((try JSONLine.text(row) + "\n").utf8)
                for _ in 0..<repeats { bytes += line }
            }
            // The secret first: a text whose coins nobody knows can be audited by nobody.
            try CanaryFile.write(set, to: canaries)
            try AtomicFile.write(bytes, to: out, permissions: 0o600)
            Console.error(
                "\(set.inserted.count) of \(count) canaries inserted, \(repeats) times each; coins in \(canaries)")
        }
    }

    private func canarySet() -> CanarySet {
        guard let seed else {
            var random = SystemRandomNumberGenerator()
            return CanarySet(count: count, unit: unit, repeats: repeats, using: &random)
        }
        var random = CounterRandom(key: seed)
        return CanarySet(count: count, unit: unit, repeats: repeats, using: &random)
    }
}

/// A row of a data file.
private struct CanaryRow: Encodable {
    let text: String
    let worker: String?
}

extension CanarySet.Unit: ExpressibleByArgument {}
