internal import ModelFiles
public import RunFile

/// Holds a worker to its owner's policy: decides on tasks, and writes down what leaves before it does.
public final class OwnerGuard {
    public let policy: OwnerPolicy
    private let ledger: OwnerLedger
    private let moment: () -> OwnerMoment

    /// - Parameters:
    ///   - state: The worker's state folder, which keeps what was spent.
    ///   - moment: Tells where and when the worker is asked.
    public init(
        _ policy: OwnerPolicy, state: WorkerState, moment: @escaping () -> OwnerMoment
    ) throws(OwnerLedgerError) {
        self.policy = policy
        self.moment = moment
        ledger = try OwnerLedger(folder: state.folder)
    }

    /// What has left so far.
    public var standing: OwnerStanding { ledger.standing }

    /// Whether hour and power let this worker take a task now.
    var allowsMoment: Bool { policy.refusalOfMoment(moment()) == nil }

    /// Decides on a task, and writes a training task that may be taken down.
    func take(_ terms: OfferTerms) throws(FileError) -> PolicyRefusal? {
        if case .decline(let refusal) = policy.decide(terms, standing, at: moment()) { return refusal }
        guard terms.task == .train, !terms.isResumed else { return nil }
        try ledger.change { $0.begin(terms) }
        return nil
    }

    /// Writes an update down that is about to leave.
    ///
    /// - Parameter update: What the codec gets.
    func release(_ update: ContentHash, of run: String, noiseMultiplier: Double) throws(FileError) {
        try ledger.change { $0.release(update, of: run, noiseMultiplier: noiseMultiplier) }
    }

    /// Writes an evaluation down that is about to be answered.
    func report() throws(FileError) {
        try ledger.change { $0.report() }
    }
}
