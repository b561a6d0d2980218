extension RunSchema {
    static let evaluationKeys = [
        SchemaKey(
            "evaluation.every", .integer(0...1_000_000), .value(.integer(1)), change: .allowed, at: \.evaluation.every,
            "Rounds between evaluations; 0 evaluates only at the end."),
        SchemaKey(
            "evaluation.source", .choice(EvaluationOptions.Source.allCases.map(\.rawValue)),
            .value(.text("coordinator")), at: \.evaluation.source,
            "Whose held-out rows: the coordinator's, every worker's own, or all those of workers that never train; `none` "
                + "takes no loss."),
        SchemaKey(
            "evaluation.minimum-cohort", .integer(1...1_000_000), .value(.integer(3)), change: .allowed,
            at: \.evaluation.minimumCohort,
            "Fewer workers' reports are never published: a mean over two tells each of them the other's loss."),
        SchemaKey(
            "evaluation.held-out-workers", .integer(0...1_000_000), .value(.integer(0)),
            at: \.evaluation.heldOutWorkers,
            "Workers kept from training, of federation.workers, for source held-out-workers."),
        SchemaKey(
            "evaluation.gate", .number(.nonNegative), orWord: "none", .value(.text("none")), change: .allowed,
            at: \.evaluation.gate,
            "A round whose held-out loss is this much (nats) above the last good one is rolled back; `none` never is."),
        SchemaKey(
            "evaluation.gate-attempts", .integer(1...1_000), .value(.integer(3)), change: .allowed,
            at: \.evaluation.gateAttempts, "Rollbacks in a row after which the run pauses."),
    ]

    static let limitKeys = [
        SchemaKey(
            "limits.lease", .duration(.seconds(1)...(.seconds(86_400))), .value(.duration(.seconds(30))),
            change: .allowed, at: \.limits.lease,
            "A task goes to another worker when no heartbeat renews it within this time."),
        SchemaKey(
            "limits.heartbeat", .duration(.milliseconds(100)...(.seconds(3_600))), .value(.duration(.seconds(2))),
            change: .allowed, at: \.limits.heartbeat,
            "How often a worker with a task says that it lives; without one, every fourth time."),
        SchemaKey(
            "limits.worker-time", .duration(.milliseconds(1)...(.seconds(365 * 86_400))), orWord: nil, .absent,
            change: .allowed, at: \.limits.workerTime,
            "A worker that has trained so long in this run is not asked again."),
        SchemaKey(
            "limits.worker-energy", .number(.positive), orWord: nil, .absent, change: .allowed,
            at: \.limits.workerEnergy,
            "A worker whose training has used so much energy in this run, as it tells, is not asked again. Unit: joules."
        ),
    ]
}
