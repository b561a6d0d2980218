public import ModelFiles

/// The `README.md` of an exported adapter, or of a base model with it in its weights: what it is, how it came about, and how to check that, without a word about
/// anybody's data and without a worker's name.
///
/// - SeeAlso: The Hugging Face Hub's model cards: a YAML head, and Markdown below it.
public struct ModelCard: Sendable {
    /// A row of a table, in plain text.
    public struct Fact: Sendable {
        public var name: String
        public var value: String
        /// Whether the value stands in the font of programs: hashes, names that are typed.
        public var isCode: Bool

        public init(_ name: String, _ value: String, isCode: Bool = false) {
            self.name = name
            self.value = value
            self.isCode = isCode
        }
    }

    public enum Kind: Hashable, Sendable {
        case adapter
        /// A base model with the adapter's products in its weights.
        case merged
    }

    /// How the round's place in the chain of records is found again.
    public struct Proof: Sendable {
        /// Place of the round's record in the chain; 1 is the first.
        public var record: UInt64
        /// The hash of that record, which stands for everything before it.
        public var head: ContentHash
        /// The coordinator's record key (Ed25519), 64 hexadecimal digits.
        public var key: String
        /// The adapter that the record names.
        public var adapter: ContentHash

        public init(record: UInt64, head: ContentHash, key: String, adapter: ContentHash) {
            self.record = record
            self.head = head
            self.key = key
            self.adapter = adapter
        }
    }

    public var kind: Kind
    /// As the Hub names it, or a folder's name.
    public var baseModel: String
    public var baseIdentity: ContentHash
    public var run: String
    public var round: Int
    /// `CAUSAL_LM` or `SEQ_CLS`
    public var taskType: String?
    public var labels: [String]
    /// About the adapter: rank, layers, size.
    public var adapter: [Fact]
    /// About the run: rounds, strategy, aggregation, compression, workers.
    public var training: [Fact]
    /// Sentences about what is promised to the workers.
    public var privacy: [String]
    /// SHA-256 of the file of weights beside the card.
    public var weights: ContentHash
    /// `nil` where the ledger has no record of the round.
    public var proof: Proof?
    /// The program's version.
    public var software: String

    public init(
        _ kind: Kind = .adapter, baseModel: String, baseIdentity: ContentHash, run: String, round: Int,
        taskType: String?, labels: [String],
        adapter: [Fact], training: [Fact], privacy: [String], weights: ContentHash, proof: Proof?, software: String
    ) {
        self.kind = kind
        self.baseModel = baseModel
        self.baseIdentity = baseIdentity
        self.run = run
        self.round = round
        self.taskType = taskType
        self.labels = labels
        self.adapter = adapter
        self.training = training
        self.privacy = privacy
        self.weights = weights
        self.proof = proof
        self.software = software
    }

    public static let file = "README.md"

    /// The file's text.
    public func markdown() -> String {
        let base = Self.inline(baseModel)
        var parts = [head]
        switch kind {
        case .adapter: parts.append("# LoRA adapter for \(base), trained by federated learning")
        case .merged: parts.append("# \(base), fine-tuned by federated learning")
        }
        parts.append(
            "Trained with Shoal: workers fine-tuned a LoRA adapter on text of their own, which stayed with them; the "
                + "coordinator combined their updates."
                + (kind == .merged
                    ? " These are the base model's weights with the adapter's products added, each rounded once more to its "
                        + "own type." : ""))
        parts.append("## Adapter\n\n" + Self.table(adapter + classes))
        parts.append(
            "## Training\n\n" + Self.table([Fact("run", run, isCode: true), Fact("round", "\(round)")] + training))
        parts.append("## Privacy\n\n" + privacy.map { "- " + Self.inline($0) }.joined(separator: "\n"))
        parts.append("## Provenance\n\n" + Self.table(provenance) + "\n\n" + verification)
        return parts.joined(separator: "\n\n") + "\n"
    }

    private var head: String {
        var lines = ["---", "base_model: \(Self.quoted(baseModel))"]
        switch kind {
        case .adapter: lines += ["base_model_relation: adapter", "library_name: peft"]
        case .merged: lines += ["base_model_relation: finetune", "library_name: transformers"]
        }
        switch taskType {
        case "CAUSAL_LM": lines.append("pipeline_tag: text-generation")
        case "SEQ_CLS": lines.append("pipeline_tag: text-classification")
        default: break
        }
        lines +=
            ["tags:"] + (kind == .adapter ? ["- lora", "- peft"] : []) + ["- federated-learning", "- shoal", "---"]
        return lines.joined(separator: "\n")
    }

    private var classes: [Fact] {
        labels.isEmpty ? [] : [Fact("classes", labels.joined(separator: ", "))]
    }

    private var provenance: [Fact] {
        var facts = [
            Fact("base model", baseModel, isCode: true),
            Fact("base model's identity", baseIdentity.description, isCode: true),
            Fact("SHA-256 of \(weightsFile)", weights.description, isCode: true),
        ]
        if let proof {
            facts += [
                Fact("record of the round", "\(proof.record)"),
                Fact("its hash", proof.head.description, isCode: true),
                Fact("record key", proof.key, isCode: true),
            ]
            if proof.adapter != weights {
                facts.append(Fact("adapter that the record names", proof.adapter.description, isCode: true))
            }
        }
        return facts + [Fact("made by", "Shoal \(software)")]
    }

    private var weightsFile: String { kind == .adapter ? "adapter_model.safetensors" : "model.safetensors" }

    private var verification: String {
        let sum = "`sha256sum \(weightsFile)` gives the hash above"
        guard let proof else { return "\(sum). The run's ledger has no signed record of this round." }
        let named =
            switch kind {
            case .adapter where proof.adapter == weights: ", the one in the round's signed record."
            case .adapter:
                "; it is not the one in the round's signed record, because this copy was cut to another rank."
            case .merged:
                ". The round's signed record names the adapter, which `shoal run export STATE --out DIR --round \(round)` "
                    + "writes; base model and adapter give these weights again."
            }
        return """
            \(sum)\(named) Records are chained, signed by the coordinator and countersigned by workers; each worker remembers \
            the newest hash and the key in `records/` of its own state folder. Whoever holds the run's state directory checks \
            all of it:

            ```sh
            shoal run verify STATE --head \(proof.head) --key \(proof.key)
            ```

            The base model's identity is one hash over weights, tokenizer, chat template and quantisation.
            """
    }

    private static func table(_ facts: [Fact]) -> String {
        MarkdownText.table(
            ["", ""],
            facts.map { [inline($0.name), $0.isCode ? MarkdownText.code($0.value) : inline($0.value)] })
    }

    private static func inline(_ text: String) -> String { MarkdownText.inline(text) }

    /// A YAML scalar in double quotes, which is JSON's string.
    private static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        JSONText.appendString(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
