import Recipe

extension TrainingOptions {
    /// A round's steps for people: `10 local steps`, or `at most 20 local steps (passes over a worker's text: 1)`.
    var stepsText: String {
        guard let localEpochs else { return "\(localSteps) local steps" }
        return "at most \(localSteps) local steps (passes over a worker's text: \(localEpochs))"
    }
}
