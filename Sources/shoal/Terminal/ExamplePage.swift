import Coordinator
import Recipe
import RunFile

/// What `run privacy` says of noise on single examples, within each worker's training.
struct ExamplePage: Encodable {
    let clip: Double
    let noiseMultiplier: Double
    let stepsPerRound: Int
    let batchSize: Int

    /// - Returns: `nil` for a run without it.
    init?(_ run: RunRecord) {
        guard let training = (try? RunConfiguration(canonicalJSON: run.configuration))?.training,
            let clip = training.exampleClip, let noise = training.exampleNoiseMultiplier
        else { return nil }
        self.clip = clip
        noiseMultiplier = noise
        stepsPerRound = training.localSteps
        batchSize = training.batchSize * training.accumulationSteps
    }

    var sentences: [String] {
        [
            "Every training step takes each block or example of a worker by a secret coin (\(batchSize) on average), cuts "
                + "its gradient to norm \(clip), and adds noise of \(noiseMultiplier) times that to their sum; "
                + "\(stepsPerRound) steps a round.",
            "What that promises for any one example depends on how many a worker has, which it tells nobody: each worker "
                + "counts for itself (shoal privacy worker --state FOLDER, on its machine), and its owner's policy may "
                + "set a budget (budget.example-epsilon).",
            "It says nothing of a worker's text as a whole: that takes a privacy.mechanism.",
        ]
    }
}
