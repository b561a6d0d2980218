internal import Crypto
internal import Federation
internal import FoundationEssentials
internal import ModelFiles
internal import Wire

/// The newest round record that this worker has seen of each run, `records/RUN.json`: what lets it refuse a coordinator
/// whose state was set back or rewritten.
struct RecordMemory {
    struct Record: Hashable, Codable {
        var version = 1
        var number: UInt64
        var round: UInt32
        /// The record's hash, hexadecimal.
        var head: String
        /// The key that signs the run's records, Ed25519, hexadecimal.
        var coordinatorKey: String
    }

    enum Refusal: Error, CustomStringConvertible {
        case unsigned(path: String)
        case otherKey(path: String)
        case badSignature
        case older(number: UInt64, round: UInt32, Record, path: String)
        case otherHistory(number: UInt64, Record, path: String)
        case unreadable(path: String)
        case file(FileError)

        var description: String {
            switch self {
            case .unsigned(let path):
                "the coordinator shows no signed record of the run, but this worker remembers one" + Self.remedy(path)
            case .otherKey(let path):
                "the coordinator signs the run's records with another key than before" + Self.remedy(path)
            case .badSignature: "the coordinator's signature under its newest record is wrong"
            case .older(let number, let round, let known, let path):
                "the coordinator is at record \(number) (round \(round)), but this worker has seen record "
                    + "\(known.number) (round \(known.round)): its state was set back" + Self.remedy(path)
            case .otherHistory(let number, let known, let path):
                "the coordinator's record \(number) does not follow from record \(known.number) (round "
                    + "\(known.round)) that this worker has seen: its history was rewritten" + Self.remedy(path)
            case .unreadable(let path):
                "\(path) is damaged or of another release; remove it if the coordinator is known to be the right one"
            case .file(let error): error.description
            }
        }

        private static func remedy(_ path: String) -> String {
            "; ask its operator to restore the newest state, or, if that was meant, remove \(path)"
        }
    }

    private let path: String
    let run: RunID
    private(set) var record: Record?

    private static let bytesMax = 4 << 10

    /// - Parameter folder: Of the records, existing.
    init(folder: String, run: RunID) throws(Refusal) {
        self.run = run
        path = "\(folder)/\(run).json"
        let bytes: [UInt8]?
        do { bytes = try StateFolder.read(path, bytesMax: Self.bytesMax) } catch { throw .file(error) }
        guard let bytes else { return }
        guard let record = try? JSONDecoder().decode(Record.self, from: Data(bytes)), record.version == 1,
            ContentHash(record.head) != nil
        else { throw .unreadable(path: path) }
        self.record = record
    }

    /// For `Hello`.
    var known: KnownRecord? {
        guard let record, let head = ContentHash(record.head) else { return nil }
        return KnownRecord(run: run, number: record.number, head: head)
    }

    /// Judges what a `Welcome` says, and remembers it.
    ///
    /// - Returns: The record to countersign, if there is one.
    mutating func meet(_ welcome: Welcome) throws(Refusal) -> RecordHead? {
        guard let key = welcome.recordKey else {
            guard record == nil else { throw .unsigned(path: path) }
            return nil
        }
        if let record, record.coordinatorKey != Self.text(key) { throw .otherKey(path: path) }
        guard let head = welcome.recordHead else {
            guard let record else { return nil }
            throw .older(number: 0, round: 0, record, path: path)
        }
        return try take(head, signedBy: key) ? head : nil
    }

    /// Judges a later head of the same session, and remembers it.
    ///
    /// - Returns: Whether it is to be countersigned. Not so for one that came late or twice, or that cannot be judged
    ///   because one before it was lost: it comes again.
    mutating func take(_ head: RecordHead, signedBy key: PublicKey, isFirst: Bool = true) throws(Refusal) -> Bool {
        let statement = RecordChain.statement(run: run, number: head.number, round: head.round, head: head.head)
        guard let signer = try? Curve25519.Signing.PublicKey(rawRepresentation: Data(key.bytes)),
            signer.isValidSignature(Data(head.signature), for: Data(statement))
        else { throw .badSignature }
        if let record, let known = ContentHash(record.head) {
            if head.number < record.number {
                guard isFirst else { return false }
                throw .older(number: head.number, round: head.round, record, path: path)
            }
            let missing = head.number - record.number
            guard missing <= UInt64(head.links.count) else {
                guard isFirst else { return false }
                throw .otherHistory(number: head.number, record, path: path)
            }
            guard RecordChain.head(from: known, through: head.links.suffix(Int(missing))) == head.head else {
                throw .otherHistory(number: head.number, record, path: path)
            }
            if missing == 0 { return true }
        }
        let next = Record(
            number: head.number, round: head.round, head: head.head.description, coordinatorKey: Self.text(key))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let text = try? encoder.encode(next) else { preconditionFailure("a record of plain values") }
        do { try AtomicFile.write(Array(text), to: path, permissions: 0o600) } catch { throw .file(error) }
        record = next
        return true
    }

    private static func text(_ key: PublicKey) -> String { ContentHash(bytes: key.bytes)?.description ?? "" }
}
