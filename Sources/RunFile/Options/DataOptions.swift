/// A run file's `data` section: the rows a simulation hands out and the coordinator evaluates on.
public struct DataOptions: Hashable, Sendable {
    /// How a simulation divides the training rows among its workers.
    public enum Partition: Hashable, Sendable {
        /// By the rows' `worker` field.
        case worker
        /// Evenly at random.
        case even
        /// Each label's rows in shares drawn from Dirichlet(α): the smaller α, the more a worker's labels differ.
        case labelDirichlet(Double)
    }

    /// A `.jsonl`, `.txt` or `.csv` file. A coordinator whose workers bring their data has none.
    public var path: String?
    /// Test rows, where they are not part of `path`.
    public var testPath: String?
    public var partition: Partition
    /// Names in class order; empty unless the task is classification.
    public var labels: [String]
}
