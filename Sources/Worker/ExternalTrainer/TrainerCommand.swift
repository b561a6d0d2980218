/// A program of the owner's that trains in place of the native trainer: `shoal worker --trainer`, and in a simulation
/// `training.command`. No coordinator can name one: what runs on a machine is its owner's decision.
public struct TrainerCommand: Hashable, Sendable {
    /// The program, looked up in `PATH` unless it has a slash, and its arguments.
    public var words: [String]
    /// A task that takes longer is ended.
    public var timeLimit: Duration
    /// Where tasks have their folders while they run, an absolute path; the owner's alone, emptied before and after.
    public var folder: String
    /// What the program may use.
    public var threads: Int

    /// - Precondition: There is a program among `words`, and `folder` is absolute.
    public init(words: [String], timeLimit: Duration, folder: String, threads: Int) {
        precondition(!words.isEmpty, "a command without a program")
        precondition(folder.hasPrefix("/"), "the program runs in the folder \(folder)")
        self.words = words
        self.timeLimit = timeLimit
        self.folder = folder
        self.threads = threads
    }
}

/// Why an external trainer gave no update.
///
/// The coordinator hears of it, so it tells nothing that the program said or that stands in its files.
enum TrainerError: Error, Hashable, CustomStringConvertible {
    case notStarted
    case ended(code: Int32)
    case killed(signal: Int32)
    case tooSlow(limit: Duration)
    /// A line on its standard output has no end.
    case endlessLine(bytesMax: Int)
    /// It ran, and something else failed than the program.
    case lost
    /// The run asks for what such a program is not told how to do.
    case cannot(String)
    case badAdapter(String)
    case badMetrics(String)

    var description: String {
        switch self {
        case .notStarted: "this worker's own trainer could not be started; its log says why"
        case .ended(let code): "this worker's own trainer ended with code \(code); trainer.log in its state says why"
        case .killed(let signal): "this worker's own trainer was ended by signal \(signal)"
        case .tooSlow(let limit):
            "this worker's own trainer was ended: it took longer than \(limit.components.seconds) s "
                + "(--trainer-time-limit)"
        case .endlessLine(let bytesMax):
            "this worker's own trainer was ended: it printed more than \(bytesMax >> 10) KiB without a line break; let it "
                + "end its lines, or print to standard error, which goes to trainer.log"
        case .lost: "this worker's own trainer was ended: it could not be watched; the worker's log says why"
        case .cannot(let what): "this worker trains with a program of its own, which cannot do \(what)"
        case .badAdapter(let reason): "this worker's own trainer left no usable adapter: \(reason)"
        case .badMetrics(let reason): "this worker's own trainer left no usable metrics.json: \(reason)"
        }
    }
}
