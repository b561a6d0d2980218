internal import FineTuning
internal import FoundationEssentials
internal import ModelFiles
internal import Recipe

/// Trains a task with a program of the owner's.
struct ExternalTrainer: Sendable {
    let command: TrainerCommand

    struct Outcome {
        /// `[plan.layout.parameterCount]`, float32.
        var values: [Float]
        /// What the update weighs, as the native trainer says it. Unit: blocks or examples.
        var weight: Int
        var metrics: TrainerFiles.Metrics
    }

    /// - Returns: `nil` when nobody wants the task's result any more.
    func train(
        _ task: LocalTask, _ plan: AdapterPlan, on items: TaskItems, isWanted: @escaping @Sendable () -> Bool,
        progress: @escaping @Sendable (_ step: Int, _ totalSteps: Int, _ loss: Double) -> Void,
        notice: @escaping @Sendable (String) -> Void
    ) throws -> Outcome? {
        if let what = Self.beyondIt(task) { throw TrainerError.cannot(what) }
        var task = task
        // The program runs in its folder, where a relative path would lead elsewhere.
        if !task.modelPath.hasPrefix("/") {
            task.modelPath = FileManager.default.currentDirectoryPath + "/" + task.modelPath
        }
        let folder = TrainerFolder(path: command.folder)
        let files = TrainerFiles(folder: try folder.makeTask())
        defer { try? folder.clear() }
        try files.write(task, plan, on: items, threads: command.threads)
        let process = TrainerProcess(command: command, folder: folder, task: files.folder)
        let steps = task.training.localSteps
        let line = { @Sendable (text: String) in
            guard let told = Progress(line: text, steps: steps) else { return }
            progress(told.step, steps, told.loss)
        }
        guard try process.run(while: isWanted, line: line, notice: notice) else { return nil }
        return Outcome(
            values: try files.readAdapter(plan), weight: items.updateWeight(task.training),
            metrics: try files.readMetrics(task.training))
    }

    /// What the run asks of its workers that a program with these files is not told; `nil`: nothing.
    private static func beyondIt(_ task: LocalTask) -> String? {
        if task.fixedFactors != nil { return "'federation.aggregation: fed-sb'" }
        if task.residual != nil { return "aggregations that add to the base model (flora, fedex-lora)" }
        if !task.correction.isEmpty { return "'federation.strategy: scaffold'" }
        if task.training.proximal != nil { return "'training.proximal'" }
        if task.training.localEpochs != nil { return "'training.local-epochs'" }
        if task.training.personal.hasLocalAdapter { return "'federation.personalisation: local-adapter'" }
        return nil
    }
}

extension ExternalTrainer {
    /// A line by which a program tells how far it is: `{"step": 3, "loss": 2.5}`; any other line says nothing.
    private struct Progress {
        var step: Int
        var loss: Double

        init?(line: String, steps: Int) {
            guard line.utf8.count <= 4_096, case .object(let members)? = try? JSONValue(parsing: Array(line.utf8)),
                case .integer(let step)? = members["step"], (0...steps).contains(step)
            else { return nil }
            switch members["loss"] {
            case .number(let value)? where value.isFinite: loss = value
            case .integer(let value)?: loss = Double(value)
            default: return nil
            }
            self.step = step
        }
    }
}
