import ArgumentParser

struct Audit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Attack a trained adapter: what it remembers of single texts, and whom it serves worst.",
        discussion: """
            canaries    puts made-up secrets into a data file, by secret coins, before training
            run         finds out after training which of them the adapter remembers: exposure, and a lower bound on \
            epsilon
            membership  tells texts that were trained on from texts that were not
            fairness    the distribution of the workers' losses
            """,
        subcommands: [AuditCanaries.self, AuditRun.self, AuditMembership.self, AuditFairness.self])
}
