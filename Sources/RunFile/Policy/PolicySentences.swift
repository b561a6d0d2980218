extension OwnerPolicy {
    /// What the policy means, one rule a line, for its owner to read.
    public var sentences: [String] {
        var lines: [String] = []
        func add(_ value: (some Any)?, _ line: (String) -> String) {
            if let value { lines.append(line("\(value)")) }
        }
        add(baseModels?.count) {
            $0 == "1" ? "only one named base model is trained on" : "only \($0) named base models are trained on"
        }
        add(coordinators?.count) {
            $0 == "1" ? "only one named coordinator is obeyed" : "only \($0) named coordinators are obeyed"
        }
        if allowsTrainer { lines.append("another program may train in place of the native trainer") }
        add(minimumSteps) { "a round has at least \($0) optimiser steps" }
        add(minimumBatchSize) { "a step has at least \($0) blocks or examples" }
        add(minimumSequenceLength) { "a block has at least \($0) tokens" }
        add(minimumExamples) { "with fewer than \($0) blocks or examples here nothing is trained" }
        for protection in Protection.allCases where required.contains(protection) {
            switch protection {
            case .clip: lines.append("every update is clipped here before it leaves")
            case .localNoise: lines.append("every update gets noise here before it leaves")
            case .masks: lines.append("every update leaves masked")
            case .exampleNoise: lines.append("training adds noise to gradients of single examples")
            }
        }
        add(maximumClip) { "no update leaves longer than \($0)" }
        add(minimumNoiseMultiplier) { "that noise is at least \($0) times the clip" }
        add(minimumExampleNoiseMultiplier) { "noise on single examples is at least \($0) times their clip" }
        add(minimumCohort) { "no sum of fewer than \($0) workers can be read" }
        lines.append(
            metrics.isEmpty
                ? "no metrics leave" : "metrics that leave: " + metrics.map(\.rawValue).sorted().joined(separator: ", ")
        )
        if !metrics.isEmpty, metricsMinimumExamples > 0 {
            lines.append("with fewer than \(metricsMinimumExamples) blocks or examples behind them they do not")
        }
        if let epsilon, let delta {
            lines.append("all noisy updates together cost at most epsilon \(epsilon) at delta \(delta)")
        }
        if let exampleEpsilon, let delta {
            lines.append(
                "all trainings together cost any block or example at most epsilon \(exampleEpsilon) at delta \(delta)")
        }
        if maximumUpdates == nil, epsilon != nil {
            lines.append("no update leaves without noise")
        }
        add(maximumUpdates) { "at most \($0) updates leave\(epsilon == nil ? "" : " without noise")" }
        add(maximumReports) { "at most \($0) evaluations are answered" }
        lines.append(
            "a round is trained at most \(attempts) times, never in two configurations, and never less protected")
        add(hours.map { $0.map(\.description).joined(separator: ", ") }) { "tasks are taken at \($0), local time" }
        if power == .mainsOnly { lines.append("tasks are taken on mains power only") }
        return lines
    }
}
