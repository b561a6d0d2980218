internal import FoundationEssentials
public import ModelFiles
public import Wire

/// The keys that a worker takes for its coordinator's, `coordinator.json` in its state folder: the join file's, until an
/// announced one took over.
public final class CoordinatorKeyStore: CoordinatorKeyMemory {
    private struct Record: Codable, Hashable {
        var version = 1
        /// The join file that the others go back to. Hexadecimal, as all of them.
        var joinKey: String
        var current: String
        var next: String?
    }

    private let path: String
    private var record: Record

    private static let bytesMax = 4 << 10

    /// - Parameters:
    ///   - folder: The worker's state folder, existing.
    ///   - joinKey: The join file's. A file with a key that this worker has not met begins anew with it.
    ///   - announced: The next key where the join file names one.
    public init(folder: String, joinKey: PublicKey, announced: PublicKey? = nil) throws(CoordinatorKeyError) {
        path = folder + "/coordinator.json"
        let given = Self.text(joinKey)
        let bytes: [UInt8]?
        do { bytes = try StateFolder.read(path, bytesMax: Self.bytesMax) } catch { throw .file(error) }
        if let bytes {
            guard let kept = try? JSONDecoder().decode(Record.self, from: Data(bytes)), kept.version == 1,
                [kept.joinKey, kept.current, kept.next ?? kept.current].allSatisfy({ ContentHash($0) != nil })
            else { throw .unreadable(path: path) }
            if kept.joinKey == given || kept.current == given {
                record = kept
                return
            }
        }
        record = Record(joinKey: given, current: given, next: announced.map(Self.text))
    }

    public var keys: [PublicKey] { [record.current, record.next].compactMap { $0 }.compactMap(Self.key) }

    public func announce(_ key: PublicKey) throws {
        let text = Self.text(key)
        guard text != record.current, text != record.next else { return }
        try change { $0.next = text }
    }

    public func confirm(_ key: PublicKey) throws {
        guard record.next == Self.text(key) else { return }
        try change {
            $0.current = Self.text(key)
            $0.next = nil
        }
    }

    /// In memory only what is on disk.
    private func change(_ edit: (inout Record) -> Void) throws(FileError) {
        var changed = record
        edit(&changed)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let text = try? encoder.encode(changed) else { preconditionFailure("a record of plain values") }
        try AtomicFile.write(Array(text), to: path, permissions: 0o600)
        record = changed
    }

    private static func text(_ key: PublicKey) -> String { ContentHash(bytes: key.bytes)?.description ?? "" }

    private static func key(_ text: String) -> PublicKey? { ContentHash(text).flatMap { PublicKey(bytes: $0.bytes) } }
}

/// Why a worker does not know its coordinator's key.
public enum CoordinatorKeyError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(FileError)
    case unreadable(path: String)

    public var description: String {
        switch self {
        case .file(let error): error.description
        case .unreadable(let path):
            "\(path) is damaged or of another release; remove it and start again with a join file that has the "
                + "coordinator's present key (shoal keys invite --enrolled)"
        }
    }
}
