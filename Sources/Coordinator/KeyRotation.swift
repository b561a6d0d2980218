public import Federation
import FoundationEssentials
public import ModelFiles
public import Wire

/// A coordinator's key on its way to be replaced, `STATE/rotation.json`: while it lies there, workers are told the next key.
///
/// The next pair itself waits in a file beside it and takes the place of the present one when the rotation is finished.
/// `rotation-known.json` holds the workers that are known to keep the next key.
public struct KeyRotation: Hashable, Sendable {
    private struct Record: Codable {
        var version = 1
        /// Hexadecimal.
        var nextKey: String
        /// Unit: seconds since 1970.
        var begunAt: Int64
    }

    private struct Known: Codable {
        var version = 1
        var nextKey: String
        var workers: [String]
    }

    public let nextKey: PublicKey
    /// Unit: seconds since 1970.
    public let begunAt: Int64

    private static let bytesMax = 4 << 20

    public init(nextKey: PublicKey, begunAt: Int64) {
        self.nextKey = nextKey
        self.begunAt = begunAt
    }

    static func path(in state: String) -> String { state + "/rotation.json" }
    private static func knownPath(in state: String) -> String { state + "/rotation-known.json" }

    /// The rotation of a state directory; `nil` if there is none.
    public static func read(in state: String) -> KeyRotation? {
        guard let record: Record = decoded(path(in: state)), record.version == 1,
            let key = PublicKey(hexadecimal: record.nextKey)
        else { return nil }
        return KeyRotation(nextKey: key, begunAt: record.begunAt)
    }

    public func write(in state: String) throws(FileError) {
        let record = Record(nextKey: nextKey.hexadecimal, begunAt: begunAt)
        try AtomicFile.write(Self.encoded(record), to: Self.path(in: state))
    }

    /// Workers are told no more.
    public static func remove(in state: String) throws(FileError) {
        for path in [path(in: state), knownPath(in: state)] { _ = DiskTable.disk(of: path).unlink(path) }
        try AtomicFile.synchronizeFolder(state)
    }

    /// Workers that keep the next key.
    public func knownWorkers(in state: String) -> Set<WorkerName> {
        guard let known: Known = Self.decoded(Self.knownPath(in: state)), known.nextKey == nextKey.hexadecimal else {
            return []
        }
        return Set(known.workers.compactMap { WorkerName($0) })
    }

    func writeKnown(_ workers: Set<WorkerName>, in state: String) throws(FileError) {
        let known = Known(nextKey: nextKey.hexadecimal, workers: workers.sorted().map(\.text))
        try AtomicFile.write(Self.encoded(known), to: Self.knownPath(in: state), permissions: 0o600)
    }

    private static func decoded<Value: Decodable>(_ path: String) -> Value? {
        guard DiskTable.disk(of: path).exists(path), let file = try? MappedFile(path: path),
            file.bytes.count <= bytesMax
        else { return nil }
        return try? JSONDecoder().decode(Value.self, from: Data(file.copy()))
    }

    private static func encoded(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let text = try? encoder.encode(value) else { preconditionFailure("a record of plain values") }
        return Array(text)
    }
}
