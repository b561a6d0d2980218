internal import Federation
internal import FoundationEssentials
internal import ModelFiles

/// Keeps a vector of the worker's own across restarts (the residual of error feedback, a control variate, what is
/// personal of a model): prepared with an update, settled by its acknowledgement.
///
/// ```
/// <name>.json     OwnVectorRecord
/// <sha-256>       a vector, float32 little-endian; its name proves its bytes
/// ```
/// Values reach the disk before the record that names them. The vector from before the last update stays until the next
/// one is prepared: a round may still be rolled back.
final class OwnVectorStore {
    /// What a task starts from.
    struct Start {
        /// `[count]`; `nil`: there is none so far.
        var values: [Float]?
        /// In which the last update that counted into it counted; `nil`: not known.
        var round: Int?
        /// Why a vector was dropped, for the log.
        var dropped: String?
    }

    /// What it keeps, for people.
    let name: String
    private let folder: String
    private let recordPath: String
    /// `nil` where there is no vector.
    private(set) var record: OwnVectorRecord?

    private static let recordBytesMax = 64 << 10

    /// - Parameters:
    ///   - folder: Its own, existing.
    ///   - record: Name of the record's file.
    init(_ name: String, folder: String, record: String) {
        self.name = name
        self.folder = folder
        recordPath = folder + "/" + record
        if let text = try? StateFolder.read(recordPath, bytesMax: Self.recordBytesMax),
            let record = try? JSONDecoder().decode(OwnVectorRecord.self, from: Data(text)), record.version == 1
        {
            self.record = record
        }
        sweep()
    }

    /// The update whose fate only the coordinator knows, if there is one.
    var unsettled: OwnVectorRecord.Update? {
        record?.standing == .prepared ? record?.update : nil
    }

    /// The vector for a task; one that does not fit is gone.
    ///
    /// - Parameter count: Values it must have.
    func start(run: RunID, round: Int, attempt: Int, layout: AdapterLayout, count: Int) -> Start {
        guard let record else { return Start() }
        if let dropped = drop(unless: run) { return Start(dropped: dropped) }
        guard record.layout == OwnVectorRecord.identity(of: layout) else {
            drop()
            return Start(dropped: "the adapter has another shape or rank now")
        }
        guard let name = record.start(round: round, attempt: attempt) else { return Start() }
        guard StateFolder.size(of: "\(folder)/\(name)").map({ $0 == UInt64(4 * count) }) ?? true else {
            drop()
            return Start(dropped: "it belongs to another part of the adapter")
        }
        guard let values = values(name, count: count) else {
            drop()
            return Start(dropped: "its file in \(folder) is damaged or missing")
        }
        return Start(values: values, round: record.dated(round: round))
    }

    /// Drops the vector of another run.
    ///
    /// - Returns: Why it was dropped, for the log; `nil` if it was not.
    func drop(unless run: RunID) -> String? {
        guard let record, record.update.run != run.text else { return nil }
        drop()
        return "it belongs to run \(record.update.run)"
    }

    /// Makes durable what the vector is once `update` counts.
    ///
    /// - Parameters:
    ///   - start: What ``start(run:round:attempt:layout:count:)`` gave for it.
    ///   - round: Likewise, ``Start/round``: where the vector's age matters.
    func prepare(
        _ update: PendingUpdate, layout: AdapterLayout, from start: [Float]?, dated round: Int? = nil, next: [Float]
    ) throws(FileError) {
        let before = try start.map { (values) throws(FileError) in try write(values) }
        let record = OwnVectorRecord(
            update: OwnVectorRecord.Update(update), layout: OwnVectorRecord.identity(of: layout), before: before,
            after: try write(next), beforeRound: round)
        try save(record)
        sweep()
    }

    /// The update counts.
    /// - Parameter round: The one it counts in, if not the one that asked for it.
    func commit(lease: UInt64, countsIn round: Int? = nil) throws(FileError) {
        try settle(lease: lease, as: .counted, countsIn: round)
    }

    /// The update does not count.
    func restore(lease: UInt64) throws(FileError) {
        try settle(lease: lease, as: .restored)
    }

    /// The update does not count after all, whatever was said of it.
    func takeBack() throws(FileError) {
        guard var record, record.standing != .restored else { return }
        record.standing = .restored
        try save(record)
        sweep()
    }

    private func settle(
        lease: UInt64, as standing: OwnVectorRecord.Standing, countsIn round: Int? = nil
    ) throws(FileError) {
        guard var record, record.standing == .prepared, record.update.lease == lease else { return }
        record.standing = standing
        record.countsIn = round
        try save(record)
        sweep()
    }

    private func drop() {
        // The record first: without it the values mean nothing.
        StateFolder.remove(recordPath)
        record = nil
        sweep()
    }
}

// MARK: - Files
extension OwnVectorStore {
    private func save(_ record: OwnVectorRecord) throws(FileError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let text = try? encoder.encode(record) else { preconditionFailure("a record of plain values") }
        try AtomicFile.write(Array(text), to: recordPath, permissions: 0o600)
        self.record = record
    }

    private func write(_ values: [Float]) throws(FileError) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * values.count)
        for value in values {
            withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        }
        let name = ContentHash(of: bytes).description
        let path = "\(folder)/\(name)"
        if StateFolder.size(of: path) != UInt64(bytes.count) {
            try AtomicFile.write(bytes, to: path, permissions: 0o600)
        }
        return name
    }

    /// `nil` unless the file holds `count` finite values of that hash.
    private func values(_ name: String, count: Int) -> [Float]? {
        guard ContentHash(name) != nil, let file = try? MappedFile(path: "\(folder)/\(name)") else { return nil }
        let bytes = file.copy()
        guard bytes.count == 4 * count, ContentHash(of: bytes).description == name else { return nil }
        let values = bytes.withUnsafeBytes { bytes in
            (0..<count).map { index in
                Float(
                    bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
            }
        }
        return values.allSatisfy(\.isFinite) ? values : nil
    }

    /// Removes values that the record does not name: of updates long settled, or of a crash before their record.
    private func sweep() {
        let kept = record?.files ?? []
        for name in DiskTable.disk(of: folder).names(in: folder) ?? [] {
            if ContentHash(name) != nil, !kept.contains(name) { StateFolder.remove("\(folder)/\(name)") }
        }
    }
}
