internal import Federation
internal import FoundationEssentials
internal import ModelFiles
internal import SecureAggregation
internal import Synchronization

/// The signing keys of other workers, in all runs, each as this worker first heard of it: a coordinator that later names
/// another one is refused.
///
/// One line a worker, `KEY NAME`, the key in hexadecimal.
final class KnownIdentities: Sendable {
    private static let bytesMax = 256 << 20

    private let path: String
    private let keys: Mutex<[WorkerName: [UInt8]]>

    init(path: String) throws {
        self.path = path
        var known: [WorkerName: [UInt8]] = [:]
        let text = String(decoding: try StateFolder.read(path, bytesMax: Self.bytesMax) ?? [], as: UTF8.self)
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let key = ContentHash(String(parts[0])),
                let name = WorkerName(String(parts[1]))
            else { throw MaskStoreError.damaged(path: path) }
            known[name] = key.bytes
        }
        keys = Mutex(known)
    }

    func key(of worker: WorkerName) -> [UInt8]? { keys.withLock { $0[worker] } }

    /// Takes note of neighbours' keys, durably.
    ///
    /// - Throws: ``MaskStoreError/identityChanged(_:path:)``; nothing is noted then.
    func meet(_ introduced: IntroducedNeighbours) throws {
        var known = keys.withLock { $0 }
        let count = known.count
        for (neighbour, identity) in zip(introduced.keys.neighbours, introduced.identities) {
            let name = neighbour.keys.worker
            guard known[name] == nil || known[name] == identity else {
                throw MaskStoreError.identityChanged(name, path: path)
            }
            known[name] = identity
        }
        guard known.count > count else { return }
        let lines = known.sorted { $0.key < $1.key }.map { name, key in
            "\(Hexadecimal.write(key)) \(name)\n"
        }
        try AtomicFile.write(Array(lines.joined().utf8), to: path, permissions: 0o600)
        let noted = known
        keys.withLock { $0 = noted }
    }
}
