import Federation
import Wire

/// What a service knows of a rotation of the coordinator's key.
struct RotationOfRun {
    var rotation: KeyRotation?
    /// As workers are told it.
    var announcement: NextKey?
    var known: Set<WorkerName> = []
    var isKnownChanged = false
    var nextPoll = Instant(nanoseconds: .min)
}

// MARK: - The coordinator's next key
extension RunService {
    /// `shoal keys rotate` may have begun or given up a rotation; who learned of it is kept for it.
    func pollRotation() throws {
        guard rotating.nextPoll <= now else { return }
        rotating.nextPoll = now.advanced(bySeconds: 2)
        let found = KeyRotation.read(in: state.path)
        if found != rotating.rotation {
            rotating.rotation = found
            rotating.known = found?.knownWorkers(in: state.path) ?? []
            rotating.isKnownChanged = false
            rotating.announcement = try found.map { rotation in
                let signature = try records.key.signature(of: NextKey.signedText(rotation.nextKey))
                return NextKey(key: rotation.nextKey, signature: signature)
            }
        }
        guard rotating.isKnownChanged, let rotation = rotating.rotation else { return }
        try rotation.writeKnown(rotating.known, in: state.path)
        rotating.isKnownChanged = false
    }

    /// What the answer to a worker's heartbeat tells it, unless the worker shows that it knows.
    func announcement(for name: WorkerName, keeping kept: NextKey?) -> NextKey? {
        guard let announcement = rotating.announcement else { return nil }
        guard kept?.key == announcement.key else { return announcement }
        if rotating.known.insert(name).inserted { rotating.isKnownChanged = true }
        return nil
    }
}
