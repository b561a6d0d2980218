internal import FineTuning
internal import SecureAggregation

/// Why a worker gives something up, for two readers: the coordinator, and whoever reads this machine's log.
///
/// An error's own words may hold paths, cells and counts of the private text. The coordinator therefore hears a sentence of
/// the program's, unless the error's type says what it may hear (``TellingError``); a literal holds nothing, so both hear it.
public struct TaskReason: Hashable, Sendable, ExpressibleByStringLiteral {
    /// For the coordinator: nothing of this worker's text, files, sizes or spending.
    public let told: String
    /// For this machine's log.
    public let own: String

    public init(told: String, own: String) {
        self.told = told
        self.own = own
    }

    public init(stringLiteral sentence: StaticString) {
        self.init(told: sentence.description, own: sentence.description)
    }

    public init(_ error: any Error) {
        let told = (error as? any TellingError)?.told
        self.init(told: told ?? "this worker cannot carry out the task; its own log says why", own: "\(error)")
    }
}

/// An error that says itself what of it the coordinator may hear.
protocol TellingError: Error {
    /// Nothing of this worker's text, files, sizes or spending.
    var told: String { get }
}

extension DataError: TellingError {
    var told: String {
        switch self {
        case .unreadable: "this worker cannot read its data; its own log says why"
        case .unwritable: "this worker has no room for the tokens of its data; its own log says more"
        case .unknownExtension, .empty, .invalidUTF8, .tooLong:
            "this worker's data file cannot be used; its own log says why"
        case .unknownLabel:
            "this worker's data do not fit the run: a label is none of data.labels; its own log says which"
        case .malformed:
            "this worker's data do not fit the run: a row has not the form it takes; its own log says which"
        }
    }
}

extension DownloadError: TellingError {
    var told: String {
        switch self {
        case .file: "this worker cannot keep what it downloads; its own log says why"
        case .tooLarge, .wrongSize, .corrupt, .manifest: description
        }
    }
}

extension MaskingError: TellingError {
    var told: String {
        switch self {
        case .notFinite, .weightOutOfRange, .normExceeded:
            "this worker's update is none that can be masked; its own log says why"
        case .cannotSign: "this worker cannot sign; its own log says why"
        // About the task and other workers' messages.
        default: description
        }
    }
}

extension MaskStoreError: TellingError {
    var told: String {
        switch self {
        case .damaged: "what this worker keeps of masks is damaged; its own log says more"
        case .identityChanged(let worker, _):
            "the coordinator names another signing key of worker '\(worker)' than before"
        }
    }
}

// What these say follows from the task alone.
extension AdapterPlanError: TellingError { var told: String { description } }
extension OwnVectorError: TellingError { var told: String { description } }
extension TrainerError: TellingError { var told: String { description } }
extension TrainingError: TellingError { var told: String { description } }
