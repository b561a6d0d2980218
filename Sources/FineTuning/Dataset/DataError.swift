public import ModelFiles

/// What is wrong with a data file. Never holds the training text itself.
public enum DataError: Error, Hashable, Sendable {
    case unreadable(FileError)
    case unknownExtension(file: String)
    case empty(file: String)
    case invalidUTF8(file: String, line: Int)
    /// Line numbers count from 1, blank lines included.
    case malformedLine(file: String, line: Int, reason: String)
    /// A CSV record; the header is number 1. Records may span lines.
    case malformedRecord(file: String, record: Int, reason: String)
    case chat(file: String, line: Int)
}

extension DataError {
    package static let supportedForms =
        #"{"text"}, {"prompt","completion"} or {"text","label"}, each with optional "split" and "worker""#
}

extension DataError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .unknownExtension(let file): "\(file): data files end in .jsonl, .txt or .csv"
        case .empty(let file): "\(file) holds no rows"
        case .invalidUTF8(let file, let line): "\(file):\(line): not UTF-8 text; convert the file to UTF-8"
        case .malformedLine(let file, let line, let reason): "\(file):\(line): \(reason)"
        case .malformedRecord(let file, let record, let reason): "\(file), record \(record): \(reason)"
        case .chat(let file, let line):
            "\(file):\(line): chat rows (\"messages\") are not supported yet; a row is \(Self.supportedForms)"
        }
    }
}
