public import ModelFiles

/// Where a row stands, so that a person finds it.
public enum DataPlace: Hashable, Sendable, CustomStringConvertible {
    /// Line numbers count from 1, blank lines included.
    case line(file: String, Int)
    /// A CSV record; the header is number 1. Records may span lines.
    case record(file: String, Int)
    /// A row of data already in memory, from 1.
    case row(Int)

    public var description: String {
        switch self {
        case .line(let file, let line): "\(file):\(line)"
        case .record(let file, let record): "\(file), record \(record)"
        case .row(let row): "row \(row) of the data"
        }
    }
}

/// What is wrong with a data file. Never holds the training text itself, but its labels and column names: no coordinator
/// hears the words.
public enum DataError: Error, Hashable, Sendable {
    case unreadable(FileError)
    /// The temporary file for tokens that do not fit into memory.
    case unwritable(FileError)
    case unknownExtension(file: String)
    case empty(file: String)
    case invalidUTF8(file: String, line: Int)
    case tooLong(DataPlace, limitBytes: Int)
    /// A label that is none of the run's.
    case unknownLabel(DataPlace, label: String, labels: [String])
    /// A row that is not well formed, or that this run cannot use; the reason says what to do.
    case malformed(DataPlace, reason: String)
}

extension DataError {
    package static let supportedForms =
        #"{"text"}, {"prompt","completion"}, {"messages"} or {"text","label"}, each with optional "split" and "worker""#
}

extension DataError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .unwritable(let error):
            "\(error.description); tokens beyond \(TokenSpill.defaultMemoryBytesMax >> 20) MiB go to a temporary file: "
                + "make room there or set TMPDIR"
        case .unknownExtension(let file): "\(file): data files end in .jsonl, .txt or .csv"
        case .empty(let file): "\(file) holds no rows"
        case .invalidUTF8(let file, let line): "\(file):\(line): not UTF-8 text; convert the file to UTF-8"
        case .tooLong(let place, let limit):
            "\(place): longer than \(limit >> 20) MiB; split it, or check that the file has line breaks"
        case .unknownLabel(let place, let label, let labels):
            "\(place): the label \"\(label.prefix(40))\" is none of data.labels (\(labels.joined(separator: ", "))); add it "
                + "there or correct the row"
        case .malformed(let place, let reason): "\(place): \(reason)"
        }
    }
}
