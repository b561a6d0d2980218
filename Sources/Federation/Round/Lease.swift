import ModelFiles

/// Names one task of one worker. A restarted coordinator derives the same number, so a worker that trained on while the
/// coordinator was away still holds a valid lease.
public enum Lease {
    public enum Task: String, Sendable {
        case train
        case evaluate
    }

    /// Never 0, which means "no lease" on the wire. It is no secret: a lease counts only from the worker it names.
    public static func identifier(
        run: RunID, round: Int, attempt: Int, worker: WorkerName, task: Task
    ) -> UInt64 {
        let text = "\(run)/\(round)/\(attempt)/\(worker)/\(task.rawValue)"
        let number = ContentHash(of: Array(text.utf8)).bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return max(number, 1)
    }
}
