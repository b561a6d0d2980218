import Federation
import FineTuning
import LanguageModel
import ModelFiles
import Randomness
import Recipe
import RunFile

/// A run whose model, text and first adapter have been read and checked: all that can be refused, has been.
struct PreparedRun {
    let configuration: RunConfiguration
    let model: TaskModel
    let manifest: ModelManifest
    let plan: AdapterPlan
    /// Around what is trained, where that is no adapter by itself.
    let core: CoreAdapter?
    /// `[layout.parameterCount]`, where round 1 starts.
    let initialValues: [Float]
    /// The text named by the run file; empty when it names none.
    let rows: [DataRow]

    /// How the text's chats are written; `nil` if it has none.
    let chatTemplate: ChatTemplate?

    /// - Parameter split: Which rows to keep: those of one split, or (`nil`) of both.
    init(_ configuration: RunConfiguration, split: DataRow.Split? = nil) throws {
        self.configuration = configuration
        let path = try BuiltInModel.resolve(configuration.model.path)
        let model = try TaskModel(
            path: path, options: configuration.training, cache: CacheFolder.weights { Console.error("warning: \($0)") })
        self.model = model
        manifest = try ModelManifest(directory: path)
        let plan = try Self.atItsLine(configuration) { () throws(AdapterPlanError) in
            try model.adapterPlan(configuration.adapter)
        }
        self.plan = plan
        let length = configuration.training.sequenceLength
        guard length <= model.configuration.maximumLength else {
            let error = TrainingError.blocksTooLong(length: length, maximum: model.configuration.maximumLength)
            throw configuration.refusal(of: ["training.sequence-length"], "\(error)")
        }
        let seed = configuration.federation.seed
        core =
            configuration.federation.aggregation == .fedSB
            ? try Self.atItsLine(configuration) { () throws(AdapterPlanError) in
                try model.coreAdapter(plan, random: StreamKey(seed: seed, purpose: .fixedFactors).generator())
            } : nil
        let initial = try Self.initialValues(plan, model, configuration)
        initialValues = core?.initialValues(initial) ?? initial
        switch model {
        case .language(let base):
            let encoder = base.rowEncoder(chatTemplate: configuration.training.chatTemplate)
            rows = try Self.rows(configuration.data, split: split, objection: encoder.objection)
            let hasChats = rows.contains { if case .chat = $0.content { true } else { false } }
            chatTemplate = hasChats ? encoder.chatTemplate : nil
        case .classification:
            rows = try Self.rows(configuration.data, split: split) { _ in nil }
            chatTemplate = nil
        }
    }

    /// Names the run file's line in a refusal that only the model's layers could show.
    private static func atItsLine<Value>(
        _ configuration: RunConfiguration, _ work: () throws(AdapterPlanError) -> Value
    ) throws -> Value {
        do { return try work() } catch {
            guard !error.keys.isEmpty else { throw error }
            throw configuration.refusal(of: error.keys, "\(error)")
        }
    }

    /// What `shoal quantize` made, no other program reads.
    func refuseQuantisedBaseWithCommand() throws {
        guard !configuration.trainerCommand.isEmpty, let format = model.configuration.quantisation else { return }
        throw configuration.refusal(
            of: ["training.command", "model"],
            "a 'training.command' cannot read the base model \(configuration.model.path), which is quantised (\(format)); "
                + "take the model that it was made from, or remove 'training.command'")
    }

    /// Of what is trained and travels.
    var layout: AdapterLayout { core?.layout ?? plan.layout }

    /// - Parameter values: `[layout.parameterCount]`
    func adapter(values: [Float]) -> LowRankAdapter { plan.adapter(values: core?.expanded(values) ?? values) }

    /// - Parameters:
    ///   - values: `[layout.parameterCount]`
    ///   - residual: What earlier rounds added to the base for good.
    func adapter(values: [Float], residual: AdapterResidual?) throws -> LowRankAdapter {
        try plan.adapter(values: core?.expanded(values) ?? values, residual: residual)
    }

    /// Rows as this run trains on them and evaluates them, with warnings of what was left out.
    func items(of rows: [DataRow]) throws -> (train: TaskItems, test: TaskItems, grouped: GroupedBlocks?) {
        try model.items(of: .rows(rows), options: configuration.training)
    }

    private static func initialValues(
        _ plan: AdapterPlan, _ model: TaskModel, _ configuration: RunConfiguration
    ) throws -> [Float] {
        guard let source = configuration.adapterFrom else {
            let key = StreamKey(seed: configuration.federation.seed, purpose: .adapterInitialisation)
            return model.initialValues(plan, random: key.generator())
        }
        let stored = try AdapterDirectory.read(source)
        guard plan.accepts(layout: stored.layout, configuration: stored.configuration) else {
            throw AdapterPlanError.shapeMismatch(
                "adapter.from: \(source) has rank \(stored.configuration.rank), alpha \(stored.configuration.alpha) or "
                    + "targets that differ from the run file's adapter section; make them equal")
        }
        return stored.values
    }

    private static func rows(
        _ options: DataOptions, split: DataRow.Split?, objection: (DataRow) -> String?
    ) throws -> [DataRow] {
        var rows: [DataRow] = []
        if let path = options.path {
            rows = try DataFile.read(BuiltInModel.resolveData(path), split: split, objection: objection)
        }
        if let path = options.testPath {
            rows += try DataFile.read(path, objection: objection).map { row in
                var row = row
                row.split = .test
                return row
            }
        }
        return rows
    }
}

extension ModelSource {
    /// A directory, or the built-in model's name.
    var path: String {
        switch self {
        case .builtIn: BuiltInModel.name
        case .directory(let path): path
        }
    }
}

extension DataOptions.Partition {
    var partition: FineTuning.Partition {
        switch self {
        case .worker: .worker
        case .even: .even
        case .labelDirichlet(let alpha): .labelDirichlet(alpha: alpha)
        }
    }
}
