public import LanguageModel
internal import ModelFiles
public import Randomness
public import Recipe

/// A base model made ready for what a run trains: language modelling or classification.
///
/// Like its model, it belongs to one thread at a time.
public enum TaskModel {
    case language(PretrainedModel)
    case classification(PretrainedClassifier)

    /// - Parameters:
    ///   - path: A Hugging Face directory.
    ///   - options: Their class names say which task it is.
    ///   - cache: Keeps bfloat16 copies of weights of other types; `nil` converts them in memory.
    public init(path: String, options: TrainingOptions, cache: WeightCache? = nil) throws {
        self =
            options.classNames.isEmpty
            ? .language(try PretrainedModel(path: path, options: ModelOptions(options), cache: cache))
            : .classification(
                try PretrainedClassifier(
                    path: path, classNames: options.classNames, options: ModelOptions(options), cache: cache))
    }

    /// Whether ``init(path:options:cache:)`` would make the same.
    public func fits(path: String, options: TrainingOptions) -> Bool {
        guard path == self.path else { return false }
        switch self {
        case .language(let base): return options.classNames.isEmpty && base.options == ModelOptions(options)
        case .classification(let base):
            return base.classNames == options.classNames && base.options == ModelOptions(options)
        }
    }

    public var path: String {
        switch self {
        case .language(let base): base.path
        case .classification(let base): base.path
        }
    }

    public var configuration: ModelConfiguration {
        switch self {
        case .language(let base): base.configuration
        case .classification(let base): base.configuration
        }
    }

    public func adapterPlan(_ options: AdapterOptions) throws(AdapterPlanError) -> AdapterPlan {
        switch self {
        case .language(let base): try AdapterPlan(options: options, model: base.model.linearLayers)
        case .classification(let base):
            try AdapterPlan(options: options, model: base.model.linearLayers, savedModules: base.model.savedModules)
        }
    }

    /// Fed-SB's outer factors for this model (``CoreAdapter``).
    public func coreAdapter(_ plan: AdapterPlan, random: CounterRandom) throws(AdapterPlanError) -> CoreAdapter {
        let weight: (String) -> [Float] =
            switch self {
            case .language(let base): base.model.weight
            case .classification(let base): base.model.weight
            }
        return try CoreAdapter(
            plan: plan, fixed: CoreAdapter.fixedFactors(plan, weight: weight, random: random))
    }

    /// Where a run starts: factors that change nothing, and a classification head that is the checkpoint's own where it
    /// has one for as many classes, else drawn afresh.
    public func initialValues(_ plan: AdapterPlan, random: CounterRandom) -> [Float] {
        switch self {
        case .language(let base):
            return plan.initialAdapter(random: random, rowNorms: base.model.weightRowNorms).values
        case .classification(let base):
            var values = plan.initialAdapter(random: random, rowNorms: base.model.weightRowNorms).values
            for tensor in plan.saved {
                guard let stored = base.model.storedHead?[tensor.name] else { continue }
                values.replaceSubrange(tensor.offset..<tensor.offset + stored.count, with: stored)
            }
            return values
        }
    }

    /// A worker's text, or a part of it, as this model takes it.
    public func items(
        of source: DataSource, options: TrainingOptions
    ) throws(DataError) -> (train: TaskItems, test: TaskItems, grouped: GroupedBlocks?) {
        switch self {
        case .language(let base):
            let grouped = try base.blocks(
                of: source, length: options.sequenceLength, chatTemplate: options.chatTemplate)
            return (.blocks(grouped.joined(.train)), .blocks(grouped.joined(.test)), grouped)
        case .classification(let base):
            return (
                .examples(try base.examples(of: source, split: .train, length: options.sequenceLength)),
                .examples(try base.examples(of: source, split: .test, length: options.sequenceLength)), nil
            )
        }
    }

    /// Losses without training, and for classification the accuracy.
    public func measure(
        _ items: TaskItems, adapter: LowRankAdapter?
    ) throws(TrainingError) -> (losses: BlockLosses, accuracy: Double?) {
        switch (self, items) {
        case (.language(let base), .blocks(let blocks)):
            return (BlockLosses(try LossEvaluation.losses(of: blocks, model: base.model, adapter: adapter)), nil)
        case (.classification(let base), .examples(let examples)):
            let outcome = try ClassificationEvaluation.outcome(of: examples, model: base.model, adapter: adapter)
            return (BlockLosses(outcome.losses), outcome.accuracy)
        default: preconditionFailure("items of another task")
        }
    }

    /// A round's local work.
    public func train(
        _ adapter: inout LowRankAdapter, on items: TaskItems, options: TrainingOptions, after globalStep: Int,
        scope: TrainingScope = TrainingScope(), batches: CounterRandom, dropout: CounterRandom,
        progress: (LocalTrainer.Progress) -> Bool
    ) throws(TrainingError) -> LocalTrainer.Summary {
        switch (self, items) {
        case (.language(let base), .blocks(let blocks)):
            try LocalTrainer(model: base.model, options: options, scope: scope).train(
                &adapter, on: blocks, after: globalStep, batches: batches, dropout: dropout, progress: progress)
        case (.classification(let base), .examples(let examples)):
            try ClassificationTrainer(model: base.model, options: options, scope: scope).train(
                &adapter, on: examples, after: globalStep, batches: batches, dropout: dropout, progress: progress)
        default: preconditionFailure("items of another task")
        }
    }
}

/// What a task trains and evaluates on.
public enum TaskItems: Sendable {
    case blocks(TokenBlocks)
    case examples(ClassificationExamples)

    public var count: Int {
        switch self {
        case .blocks(let blocks): blocks.count
        case .examples(let examples): examples.count
        }
    }

    /// What an update trained on them weighs. Unit: blocks or examples.
    package func updateWeight(_ options: TrainingOptions) -> Int {
        switch self {
        case .blocks(let blocks): blocks.count
        case .examples(let examples): ClassDraw(examples, isBalanced: options.balancesClasses).effectiveCount
        }
    }

    public var tokenCount: Int {
        switch self {
        case .blocks(let blocks): blocks.count * blocks.length
        case .examples(let examples): (0..<examples.count).reduce(0) { $0 + examples.length(of: $1) }
        }
    }
}
