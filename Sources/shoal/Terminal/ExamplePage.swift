import Coordinator
import Recipe
import RunFile

/// What `run privacy` says of noise on single examples, within each worker's training.
struct ExamplePage: Encodable {
    let clip: Double
    let noiseMultiplier: Double
    let stepsPerRound: Int
    let batchSize: Int
    /// What the coins choose: a block of packed rows, or an example (a row) of a classification task.
    let unit: String

    /// - Returns: `nil` for a run without it.
    init?(_ run: RunRecord) {
        guard let configuration = try? RunConfiguration(canonicalJSON: run.configuration) else { return nil }
        let training = configuration.training
        guard let clip = training.exampleClip, let noise = training.exampleNoiseMultiplier
        else { return nil }
        self.clip = clip
        noiseMultiplier = noise
        stepsPerRound = training.localSteps
        batchSize = training.batchSize * training.accumulationSteps
        unit = configuration.task == .classification ? "example" : "block"
    }

    var sentences: [String] {
        [
            "Every training step takes each \(unit) of a worker by a secret coin (\(batchSize) on average), cuts "
                + "its gradient to norm \(clip), and adds noise of \(noiseMultiplier) times that to their sum; "
                + "\(stepsPerRound) steps a round.",
            "What that promises for any one \(unit) depends on how many a worker has, which it tells nobody: each worker "
                + "counts for itself (shoal privacy worker --state FOLDER, on its machine), and its owner's policy may "
                + "set a budget (budget.example-epsilon).",
        ]
            + (unit == "block"
                ? [
                    "A block is a stretch of the worker's text, packed from rows one after another. A row has no such bound: "
                        + "it may lie in several blocks, and without it all that follow would begin elsewhere."
                ] : [])
            + ["It says nothing of a worker's text as a whole: that takes a privacy.mechanism."]
    }
}
