import Coordinator
import RunFile
import SecureAggregation

/// What `run privacy` says of sums under masks.
struct MaskingPage {
    let options: MaskingOptions
    let workersPerRound: Int

    /// - Returns: `nil` for a run whose updates reach the coordinator in the clear.
    init?(_ run: RunRecord) {
        guard let configuration = try? RunConfiguration(canonicalJSON: run.configuration),
            let options = configuration.maskingOptions
        else { return nil }
        self.options = options
        workersPerRound = configuration.federation.workersPerRound
    }

    /// Of a full round; a smaller one has fewer of both.
    private var degree: MaskingDegree? {
        try? MaskingDegree(cohort: workersPerRound, under: options.assumptions)
    }

    var sentences: [String] {
        var sentences = [
            "The coordinator sees sums of at least \(options.minimumCohort) workers' updates and no single update: each "
                + "leaves its worker under masks that cancel in the sum (SecAgg+). Weights are part of the sum.",
            "What the sum itself tells about its workers has no bound by masks: that takes differential privacy.",
        ]
        if let degree {
            sentences.append(
                "In a round of \(workersPerRound) workers each shares masks with \(degree.neighbours) others, and "
                    + "\(degree.threshold) of those uncover one kind of its secrets: that of a worker that survived takes "
                    + "its own mask off, that of one that dropped out the shared ones, and no worker gives both.")
        }
        let corrupt = Quantity.fixed(100 * options.assumptions.corruptFraction, digits: 0)
        let dropout = Quantity.fixed(100 * options.assumptions.dropoutFraction, digits: 0)
        sentences += [
            "It holds while at most \(corrupt)% of a round's workers collude with a coordinator that follows the protocol. A "
                + "coordinator that tells workers different things is found out: workers sign one set of survivors.",
            "The coordinator introduces the workers to one another. A worker keeps the first signing key that it hears of "
                + "a name; a coordinator that invented workers from the start would not be noticed.",
            "With up to \(dropout)% of a round's workers lost the sum comes out; with more, the attempt ends and the next "
                + "one takes fresh keys.",
        ]
        return sentences
    }

    var line: MaskingLine {
        MaskingLine(
            minimumCohort: options.minimumCohort, workersPerRound: workersPerRound, neighbours: degree?.neighbours,
            threshold: degree?.threshold, corruptFraction: options.assumptions.corruptFraction,
            dropoutFraction: options.assumptions.dropoutFraction, clip: Double(options.clip), levels: options.levels,
            weightLimit: options.weightLimit)
    }
}

/// The same in `run privacy --json`.
struct MaskingLine: Encodable {
    let minimumCohort: Int
    let workersPerRound: Int
    let neighbours: Int?
    let threshold: Int?
    let corruptFraction: Double
    let dropoutFraction: Double
    let clip: Double
    let levels: Int
    let weightLimit: Int
}
