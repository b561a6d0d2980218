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
    let model: PretrainedModel
    let manifest: ModelManifest
    let plan: AdapterPlan
    /// `[plan.layout.parameterCount]`, where round 1 starts.
    let initialValues: [Float]
    /// The text named by the run file; empty when it names none.
    let rows: [DataRow]

    /// How the text's chats are written; `nil` if it has none.
    let chatTemplate: ChatTemplate?

    /// - Parameter split: Which rows to keep: those of one split, or (`nil`) of both.
    init(_ configuration: RunConfiguration, split: DataRow.Split? = nil) throws {
        self.configuration = configuration
        let path = try BuiltInModel.resolve(configuration.model.path)
        model = try PretrainedModel(path: path, options: ModelOptions(configuration.training))
        manifest = try ModelManifest(directory: path)
        plan = try AdapterPlan(options: configuration.adapter, model: model.model.linearLayers)
        let length = configuration.training.sequenceLength
        guard length <= model.configuration.maximumLength else {
            throw TrainingError.blocksTooLong(length: length, maximum: model.configuration.maximumLength)
        }
        initialValues = try Self.initialValues(plan, model, configuration)
        let encoder = model.rowEncoder(chatTemplate: configuration.training.chatTemplate)
        rows = try Self.rows(configuration.data, split: split, objection: encoder.objection)
        let hasChats = rows.contains { if case .chat = $0.content { true } else { false } }
        chatTemplate = hasChats ? encoder.chatTemplate : nil
    }

    /// The run's held-out text, packed as every loss of the project is.
    func heldOut(_ rows: [DataRow]) throws -> GroupedBlocks {
        try blocks(of: rows, split: .test)
    }

    /// Rows packed as this run trains on them.
    func blocks(of rows: [DataRow], split: DataRow.Split? = nil) throws -> GroupedBlocks {
        try model.blocks(
            of: .rows(rows), split: split, length: configuration.training.sequenceLength,
            chatTemplate: configuration.training.chatTemplate)
    }

    private static func initialValues(
        _ plan: AdapterPlan, _ model: PretrainedModel, _ configuration: RunConfiguration
    ) throws -> [Float] {
        guard let source = configuration.adapterFrom else {
            let key = StreamKey(seed: configuration.federation.seed, purpose: .adapterInitialisation)
            return plan.initialAdapter(random: key.generator(), rowNorms: model.model.weightRowNorms).values
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
