internal import Crypto
internal import FoundationEssentials
internal import Wire

// MARK: - The coordinator's next key
extension WorkerService {
    /// The announced key that this worker keeps, for heartbeats.
    var keptNextKey: NextKey? {
        guard let keys = settings.coordinatorKeys?.keys, keys.count > 1 else { return nil }
        return NextKey(key: keys[1])
    }

    /// Keeps a key that the coordinator announces. Where the run's records are signed, so must this be: who has stolen the
    /// key of the connection alone cannot pass on to one of his own.
    func takeNextKey(_ next: NextKey) {
        guard case .open = session, let memory = settings.coordinatorKeys, !memory.keys.contains(next.key) else {
            return
        }
        if let recordKey {
            guard let signer = try? Curve25519.Signing.PublicKey(rawRepresentation: Data(recordKey.bytes)),
                let signature = next.signature,
                signer.isValidSignature(Data(signature), for: Data(NextKey.signedText(next.key)))
            else {
                return observer(.warning("the coordinator announced a key without its records' signature; ignored"))
            }
        }
        do { try memory.announce(next.key) } catch {
            return observer(.warning("the coordinator's next key cannot be kept: \(error)"))
        }
        observer(.keyAnnounced)
        // The coordinator hears at once that it need not say it again.
        nextHeartbeat = now
    }
}
