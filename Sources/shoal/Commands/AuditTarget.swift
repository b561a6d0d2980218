import ArgumentParser
import Auditing
import FineTuning
import LanguageModel
import Tensor

/// The adapter under audit, and how its losses are taken.
struct AuditTarget: ParsableArguments {
    @Option(help: "The base model: a Hugging Face directory of a language model, or built-in.")
    var model: String

    @Option(help: "The trained adapter: a PEFT directory.")
    var adapter: String

    @Option(help: "Tokens behind which a text is cut.")
    var sequenceLength = 128

    @Option(help: "Threads to compute with (default: all cores).")
    var threads: Int?

    func validate() throws {
        if sequenceLength < 2 { throw ValidationError("--sequence-length must be at least 2") }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024") }
    }

    /// Loads the model, in float32: an audit looks at small differences.
    func base() throws -> (model: PretrainedModel, adapter: LowRankAdapter) {
        if let threads { Threads.limit(to: threads) }
        let path = try BuiltInModel.resolve(model)
        guard try !ModelDirectory(path).configuration.isEncoder else {
            throw CommandFailure.badInput("\(model) is an encoder; shoal audit looks at language models")
        }
        let base = try PretrainedModel(path: path, options: ModelOptions(), cache: nil)
        return (base, try base.adapter(at: adapter))
    }

    func losses() throws -> AuditedLosses {
        let (base, adapter) = try base()
        return AuditedLosses(texts: TextLosses(base, limit: sequenceLength), adapter: adapter)
    }
}

/// Losses of single texts with and without the adapter.
struct AuditedLosses {
    let texts: TextLosses
    let adapter: LowRankAdapter

    /// `nil` for a text without tokens to predict.
    func tokens(of row: DataRow) throws -> MembershipAttack.Text? {
        guard let tuned = try texts.losses(of: row, adapter: adapter),
            let base = try texts.losses(of: row, adapter: nil)
        else { return nil }
        return MembershipAttack.Text(tuned: tuned, base: base)
    }

    func of(_ row: DataRow) throws -> CanaryAudit.Losses? {
        try tokens(of: row).map { text in
            CanaryAudit.Losses(
                tuned: text.tuned.reduce(0, +) / Double(text.tuned.count),
                base: text.base.reduce(0, +) / Double(text.base.count))
        }
    }
}
