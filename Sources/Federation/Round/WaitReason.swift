/// Why a run cannot go on right now, for people: every wait names what it waits for.
public enum WaitReason: Hashable, Sendable {
    /// Fewer workers have said `Hello` than a round needs before it opens.
    case forWorkersToConnect(connected: Int, needed: Int)
    /// Nobody is training and nobody else can be asked.
    case forMoreWorkers(round: Int, recorded: Int, target: Int, minimum: Int)
    /// Workers are training; past its deadline the round closes with the first `minimum` updates.
    ///
    /// `from` are at most ``namesMax`` of them, the first in name order; there are `others` beside them.
    case forUpdates(
        round: Int, recorded: Int, target: Int, from: [WorkerName], others: Int = 0, isPastDeadline: Bool)
    /// Coins chose the workers: who they are, and how many, is not said.
    case forDeadline(round: Int)
    /// A step of a sum under masks: `answered` workers have done their part of `expected`, and `from` have not, with
    /// `others` beside them.
    case forMasks(
        round: Int, step: String, answered: Int, expected: Int, from: [WorkerName], others: Int)

    /// Workers that a reason names.
    public static let namesMax = 5
}

extension WaitReason {
    /// Whether nobody is at work until workers come.
    public var isForWorkers: Bool {
        switch self {
        case .forWorkersToConnect, .forMoreWorkers: true
        case .forUpdates, .forDeadline, .forMasks: false
        }
    }
}

extension WaitReason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .forWorkersToConnect(let connected, let needed):
            return "\(connected) of \(needed) workers are connected; start the others, or lower "
                + "federation.workers-per-round"
        case .forMoreWorkers(let round, let recorded, let target, let minimum):
            return "round \(round) has \(recorded) of \(target) updates (at least \(minimum)) and no connected worker "
                + "left to ask; start more workers"
        case .forDeadline(let round):
            return "round \(round) is open until its deadline, whoever takes part"
        case .forMasks(let round, let step, let answered, let expected, let workers, let others):
            let names = workers.map(\.text).joined(separator: ", ")
            let missing = workers.isEmpty ? "" : " from \(names)\(others > 0 ? " and \(others) more" : "")"
            return "round \(round) is summed under masks, has \(answered) of \(expected) \(step) and waits for the "
                + "others\(missing)"
        case .forUpdates(let round, let recorded, let target, let workers, let others, let isPastDeadline):
            let names = workers.map(\.text).joined(separator: ", ")
            let others = others > 0 ? " and \(others) more" : ""
            let late = isPastDeadline ? "; its deadline has passed with too few" : ""
            return "round \(round) has \(recorded) of \(target) updates and waits for \(names)\(others)\(late)"
        }
    }
}
