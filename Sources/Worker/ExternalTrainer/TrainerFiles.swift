internal import Federation
internal import FineTuning
internal import FoundationEssentials
internal import Glibc
internal import LanguageModel
internal import ModelFiles
internal import Randomness
internal import Recipe
internal import Wire

/// The files that a worker and its own trainer exchange, in a folder of the task's own (the page "A trainer of your own"
/// describes them).
///
///     task.json        what to do
///     examples.jsonl   the worker's training set as tokens, one block or example a line
///     adapter-in/      a PEFT directory: where to start
///     adapter-out/     what the program leaves: a PEFT directory with the same tensors
///     metrics.json     what the program leaves: {"trainLoss": …, "steps": …, "tokens": …}
struct TrainerFiles {
    let folder: String

    var adapterOut: String { folder + "/adapter-out" }

    /// What the program reports of its work.
    struct Metrics: Hashable {
        /// Mean over the steps. Unit: nats a token.
        var trainLoss: Double
        var steps: Int
        var tokens: Int
        /// What it measured of the energy that it used; `nil`: nothing. Unit: joules.
        var joules: Double?
    }

    /// Puts a task into the folder.
    func write(_ task: LocalTask, _ plan: AdapterPlan, on items: TaskItems, threads: Int) throws {
        try AdapterDirectory.write(
            configuration: plan.configuration(baseModel: task.modelPath), layout: plan.layout, values: task.values,
            labels: task.training.classNames, to: folder + "/adapter-in")
        try writeExamples(items)
        try StateFolder.overwrite(
            folder + "/task.json", with: JSONText.encode(.object(Self.document(task, threads)), layout: .indented))
    }

    /// - Returns: The adapter after training, `[plan.layout.parameterCount]`, float32.
    func readAdapter(_ plan: AdapterPlan) throws(TrainerError) -> [Float] {
        let (layout, values): (AdapterLayout, [Float])
        do {
            (_, layout, values) = try AdapterDirectory.read(adapterOut)
        } catch {
            throw .badAdapter("adapter-out cannot be read")
        }
        guard layout == plan.layout else { throw .badAdapter("it has other tensors than adapter-in") }
        guard values.allSatisfy(\.isFinite) else { throw .badAdapter("it has values that are not finite") }
        return values
    }

    func readMetrics(_ options: TrainingOptions) throws(TrainerError) -> Metrics {
        let members: [String: JSONValue]
        do {
            guard let bytes = try StateFolder.read(folder + "/metrics.json", bytesMax: 64 << 10) else {
                throw TrainerError.badMetrics("there is none")
            }
            guard case .object(let object) = try JSONValue(parsing: bytes) else {
                throw TrainerError.badMetrics("it is no object")
            }
            members = object
        } catch let error as TrainerError {
            throw error
        } catch {
            throw .badMetrics("it cannot be read")
        }
        func number(_ key: String) throws(TrainerError) -> Double? {
            switch members[key] {
            case nil, .null?: return nil
            case .integer(let value)?: return Double(value)
            case .number(let value)? where value.isFinite: return value
            default: throw .badMetrics("\(key) is no number")
            }
        }
        func number(_ key: String, in range: ClosedRange<Double>) throws(TrainerError) -> Double? {
            guard let value = try number(key) else { return nil }
            guard range.contains(value) else {
                throw .badMetrics("\(key) is not within \(range.lowerBound) and \(range.upperBound)")
            }
            return value
        }
        func count(_ key: String) throws(TrainerError) -> Int? {
            guard let value = try number(key) else { return nil }
            guard let count = Int(exactly: value), count >= 0 else { throw .badMetrics("\(key) is no count") }
            return count
        }
        guard let loss = try number("trainLoss", in: -1e6...1e6) else { throw .badMetrics("trainLoss is missing") }
        let steps = try count("steps") ?? options.localSteps
        let tokens =
            try count("tokens")
            ?? steps * options.accumulationSteps * options.batchSize * options.sequenceLength
        let joules = try number("joules", in: 0...TaskCost.limit)
        guard steps > 0 else { throw .badMetrics("steps is 0") }
        guard steps <= options.localSteps else {
            throw .badMetrics("steps is \(steps), and the task asks for at most \(options.localSteps) (localSteps)")
        }
        return Metrics(trainLoss: loss, steps: steps, tokens: tokens, joules: joules)
    }

    private func writeExamples(_ items: TaskItems) throws {
        let path = folder + "/examples.jsonl"
        let disk = DiskTable.disk(of: path)
        let descriptor = disk.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError.last("create", path) }
        defer { _ = disk.close(descriptor) }
        var text: [UInt8] = []
        func flush(atLeast bytes: Int) throws {
            guard text.count >= bytes else { return }
            try disk.writeAll(text, to: descriptor, path: path)
            text.removeAll(keepingCapacity: true)
        }
        for index in 0..<items.count {
            text += JSONText.encode(.object(Self.example(index, of: items)))
            text.append(UInt8(ascii: "\n"))
            try flush(atLeast: 1 << 20)
        }
        try flush(atLeast: 1)
    }

    private static func example(_ index: Int, of items: TaskItems) -> [String: JSONValue] {
        let numbers = { (values: [Int32]) in JSONValue.array(values.map { .integer(Int($0)) }) }
        switch items {
        case .blocks(let blocks):
            let batch = blocks.batch(CollectionOfOne(index))
            return ["input_ids": numbers(batch.tokens), "labels": numbers(batch.labels)]
        case .examples(let examples):
            let (tokens, label) = examples[index]
            return ["input_ids": numbers(tokens), "label": .integer(Int(label))]
        }
    }

    private static func document(_ task: LocalTask, _ threads: Int) -> [String: JSONValue] {
        let options = task.training
        var seed = task.stream(.batches)
        var training: [String: JSONValue] = [
            "localSteps": .integer(options.localSteps), "batchSize": .integer(options.batchSize),
            "accumulationSteps": .integer(options.accumulationSteps),
            "sequenceLength": .integer(options.sequenceLength), "optimizer": .string(options.optimizer.rawValue),
            "learningRate": .number(options.learningRate), "schedule": .string(options.schedule.rawValue),
            "warmupSteps": .integer(options.warmupSteps), "totalSteps": .integer(options.totalSteps),
            "stepsBefore": .integer((task.round - 1) * options.localSteps),
            "weightDecay": .number(options.weightDecay), "beta1": .number(options.beta1),
            "beta2": .number(options.beta2), "epsilon": .number(options.epsilon), "momentum": .number(options.momentum),
            "clipNorm": options.clipNorm.map(JSONValue.number) ?? .null,
            "precision": .string(options.precision.rawValue), "balanceClasses": .boolean(options.balancesClasses),
        ]
        if let frozen = options.frozenFactor { training["frozenFactor"] = .string(frozen.rawValue) }
        return [
            "version": .integer(1), "run": .string(task.run.text), "round": .integer(task.round),
            "attempt": .integer(task.attempt), "worker": .string(task.worker.text),
            "seed": .integer(Int(seed.next() >> 11)),
            "task": .string(options.classNames.isEmpty ? "causal-lm" : "classification"),
            "labels": .array(options.classNames.map { .string($0) }), "model": .string(task.modelPath),
            "threads": .integer(threads), "training": .object(training),
        ]
    }
}
