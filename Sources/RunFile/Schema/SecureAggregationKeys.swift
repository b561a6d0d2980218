extension RunSchema {
    static let secureAggregationKeys =
        [
            SchemaKey(
                "privacy.secure-aggregation", .boolean, .value(.boolean(false)), at: \.privacy.secureAggregation.isOn,
                "Whether updates reach the coordinator under masks only, so that it sees sums and no single update "
                    + "(SecAgg+).")
        ] + maskKeys

    /// Used only with secure aggregation.
    static let maskKeys = [
        SchemaKey(
            "privacy.mask-clip", .number(NumberRange(minimum: 0, isMinimumExcluded: true, below: 1e30)), orWord: nil,
            .absent, at: \.privacy.secureAggregation.clip,
            "The largest value of an update on both sides of zero: beyond it values are cut off. One scale for all "
                + "workers, as scales of their own could not be summed."),
        SchemaKey(
            "privacy.mask-levels", .integer(1...1 << 30), orWord: nil,
            .derived("127 with secure-aggregation, 32767 with mechanism distributed") {
                guard $0.privacy.secureAggregation.isOn else { return nil }
                return .integer($0.privacy.mechanism == .distributed ? 32_767 : 127)
            }, at: \.privacy.secureAggregation.levels,
            "Steps between zero and mask-clip that the largest weight has; more are finer and cost bits; noise "
                + "that workers share takes fine ones."),
        SchemaKey(
            "privacy.mask-minimum-cohort", .integer(2...1_000_000), orWord: nil,
            .derived("minimum-workers, at least 3, with secure-aggregation") {
                $0.privacy.secureAggregation.isOn ? .integer(max(3, $0.federation.minimumWorkers)) : nil
            }, at: \.privacy.secureAggregation.minimumCohort,
            "Fewest updates that a sum is made of; a worker may hold out for more."),
        SchemaKey(
            "privacy.mask-corrupt", .number(.fraction), orWord: nil, masked("0.1", .number(0.1)),
            at: \.privacy.secureAggregation.corrupt,
            "The part of a round's workers that may collude with the coordinator; more take more neighbours each."),
        SchemaKey(
            "privacy.mask-dropout", .number(.fraction), orWord: nil, masked("0.1", .number(0.1)),
            at: \.privacy.secureAggregation.dropout,
            "The part of a round's workers that may drop out without costing the attempt."),
        SchemaKey(
            "privacy.mask-step-deadline", .duration(.seconds(1)...(.seconds(86_400))), orWord: nil,
            masked("1m", .duration(.seconds(60))), change: .allowed,
            at: \.privacy.secureAggregation.stepDeadline,
            "How long each exchange around the training waits for workers that are connected."),
    ]

    private static func masked(_ words: String, _ value: SettingValue) -> SchemaKey.Fallback {
        .derived("\(words) with secure-aggregation") { $0.privacy.secureAggregation.isOn ? value : nil }
    }
}
