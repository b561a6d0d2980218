internal import Federation
internal import ModelFiles
internal import SecureAggregation

/// What a worker keeps of its part in a run's masked sums: the newest attempt's secret and messages, each on disk, for its
/// owner alone, before anything that follows from it leaves.
///
/// An attempt has one secret, and whoever has lost it takes no part in that attempt any more; so no two updates are ever
/// masked by the same keys. A file that belongs to another attempt than the newest counts as absent.
struct MaskStore {
    enum Item: String, CaseIterable {
        /// The coordinator's messages.
        case neighbours, shares, survivors
        /// The worker's masked update.
        case vector
    }

    /// How a worker stands to an attempt that it is asked to take part in.
    enum Standing {
        /// With a secret that nobody has heard of yet.
        case new(MaskStore)
        /// It took part before it was interrupted.
        case resumed(MaskStore)
        /// It took part and its secret is gone, or a later attempt came in between.
        case over
    }

    private static let headerBytes = 16
    private static let secretBytes = 32
    private static let itemBytesMax = 1 << 31

    /// 32 bytes, for this attempt alone.
    let secret: [UInt8]
    private let folder: String
    private let header: [UInt8]

    private init(folder: String, header: [UInt8], secret: [UInt8]) {
        self.folder = folder
        self.header = header
        self.secret = secret
    }

    /// - Parameters:
    ///   - folder: Of the run; made if missing.
    ///   - newSecret: 32 bytes of a cryptographic generator.
    static func open(_ folder: String, round: Int, attempt: Int, newSecret: () -> [UInt8]) throws -> Standing {
        try PrivateAccess.makeFolder(folder)
        let header = number(round) + number(attempt)
        guard !PrivateAccess.isOpenToOthers(folder + "/attempt") else {
            throw WorkerStateError.readableByOthers(path: folder + "/attempt")
        }
        if let kept = try StateFolder.read(folder + "/attempt", bytesMax: headerBytes + secretBytes) {
            guard kept.count == headerBytes || kept.count == headerBytes + secretBytes else {
                throw MaskStoreError.damaged(path: folder + "/attempt")
            }
            let newest = (number(kept[0..<8]), number(kept[8..<16]))
            if newest == (UInt64(round), UInt64(attempt)) {
                guard kept.count > headerBytes else { return .over }
                return .resumed(MaskStore(folder: folder, header: header, secret: Array(kept[headerBytes...])))
            }
            guard newest < (UInt64(round), UInt64(attempt)) else { return .over }
        }
        // An earlier process may have been killed after it made the folder and before that was durable.
        try AtomicFile.synchronizeEntry(of: folder)
        let store = MaskStore(folder: folder, header: header, secret: newSecret())
        precondition(store.secret.count == secretBytes, "a secret of \(store.secret.count) bytes")
        try AtomicFile.write(header + store.secret, to: folder + "/attempt", permissions: 0o600)
        store.removeItems()
        return .new(store)
    }

    func write(_ item: Item, _ bytes: [UInt8]) throws(FileError) {
        try AtomicFile.write(header + bytes, to: path(of: item), permissions: 0o600)
    }

    /// `nil` if this attempt has none.
    func read(_ item: Item) throws(FileError) -> [UInt8]? {
        guard let bytes = try StateFolder.read(path(of: item), bytesMax: Self.itemBytesMax),
            bytes.starts(with: header)
        else { return nil }
        return Array(bytes[Self.headerBytes...])
    }

    /// The worker's part is done: what is left says which attempt that was.
    func end() throws(FileError) {
        try AtomicFile.write(header, to: folder + "/attempt", permissions: 0o600)
        removeItems()
    }

    /// The run is over: no secret of it stays.
    static func end(_ folder: String) throws(FileError) {
        guard let kept = try StateFolder.read(folder + "/attempt", bytesMax: headerBytes + secretBytes),
            kept.count > headerBytes
        else { return }
        try MaskStore(folder: folder, header: Array(kept.prefix(headerBytes)), secret: []).end()
    }

    private func removeItems() {
        for item in Item.allCases { StateFolder.remove(path(of: item)) }
    }

    private func path(of item: Item) -> String { folder + "/" + item.rawValue }

    private static func number(_ value: Int) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: UInt64(value) >> (8 * UInt64($0))) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Why what a worker keeps of a masked sum cannot be used.
enum MaskStoreError: Error, CustomStringConvertible {
    case damaged(path: String)
    case identityChanged(WorkerName, path: String)

    var description: String {
        switch self {
        case .damaged(let path): "\(path) is damaged; this worker takes part again in another run"
        case .identityChanged(let worker, let path):
            "the coordinator names another signing key of worker '\(worker)' than before; if '\(worker)' was enrolled "
                + "anew, remove its line from \(path)"
        }
    }
}
