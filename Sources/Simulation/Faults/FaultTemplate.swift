internal import Coordinator
internal import Crypto
internal import Federation
internal import ModelFiles
internal import SecureAggregation
internal import Synchronization
internal import Wire

/// What machines hold when a schedule begins, made once a process.
enum FaultTemplate {
    static let workersMax = 4
    private static let modelFiles: [(name: String, bytes: [UInt8])] = [
        ("config.json", Array("{}".utf8)),
        ("model.safetensors", (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }),
    ]
    private static let manifest: [UInt8] = {
        let files = modelFiles.map { file in
            "{\"name\":\"\(file.name)\",\"sha256\":\"\(ContentHash(of: file.bytes))\",\"size\":\(file.bytes.count)}"
        }
        return Array("{\"files\":[\(files.joined(separator: ","))],\"format\":\"shoal-model-1\"}".utf8)
    }()
    private static let made = Mutex<[String: SimulatedDisk]>([:])

    /// - Parameters:
    ///   - machine: 0 is the coordinator's, then come the workers'.
    ///   - isBlank: Whether the coordinator has no ledger yet.
    static func disk(_ machine: Int, isBlank: Bool) throws -> SimulatedDisk {
        let name = "template-\(machine)" + (machine == 0 && isBlank ? "-blank" : "")
        return try made.withLock { made in
            if let disk = made[name] { return disk }
            let disk = SimulatedDisk(mount: name, seed: 0)
            DiskTable.mount(disk, as: name)
            defer { DiskTable.unmount(name) }
            try fill(disk, machine, isBlank: isBlank)
            made[name] = disk
            return disk
        }
    }

    private static func fill(_ disk: SimulatedDisk, _ machine: Int, isBlank: Bool) throws {
        try PrivateAccess.makeFolder(disk.path + "/model")
        for file in modelFiles { try AtomicFile.write(file.bytes, to: "\(disk.path)/model/\(file.name)") }
        if machine > 0 {
            try PrivateAccess.makeFolder(disk.path + "/worker")
            let key = try signingKey(machine - 1).rawRepresentation
            try AtomicFile.write(Array(key), to: disk.path + "/worker/signing.key", permissions: 0o600)
            let secret = ContentHash(of: Array("noise \(machine - 1)".utf8)).bytes
            try AtomicFile.write(secret, to: disk.path + "/worker/noise.key", permissions: 0o600)
        } else if !isBlank {
            let state = try StateDirectory(path: disk.path + "/state")
            try allowWorkers(Ledger(path: state.ledger, wallClock: { 1_000 }))
        }
    }

    static func allowWorkers(_ ledger: Ledger) throws {
        for worker in 0..<workersMax {
            let name = FaultSchedule.name(worker)
            let key = PublicKey(bytes: Array(try signingKey(worker).publicKey.rawRepresentation))
            try ledger.allow(name: name, key: FaultSchedule.connectionKey(name), signingKey: key)
        }
    }

    /// Invites everybody who is not known yet.
    static func inviteWorkers(_ ledger: Ledger) throws {
        let known = Set(try ledger.list().map(\.name))
        for name in (0..<workersMax).map(FaultSchedule.name) where !known.contains(name) {
            try ledger.invite(name: name, key: FaultSchedule.invitationKey(name), expiresAt: 1_000_000)
        }
    }

    /// The noise that workers share, over the clip: so little that a sum still shows what is in it.
    static let sharedNoise = 0.1
    /// More than the norm of what ``KnownTrainer`` gives.
    static let sharedClip = 4.0

    /// What so many rounds with a share of that noise cost a worker, and hardly more.
    static func sharedEpsilon(rounds: Int) throws -> Double {
        let lattice = NoiseLattice(
            clip: sharedClip / FaultSchedule.masking.quantisation.step, dimension: FaultSchedule.layout.parameterCount)
        let step = try SampledGaussian(samplingRate: 1, noiseMultiplier: sharedNoise)
        return try SkellamAccountant.epsilon([step: rounds], on: lattice, delta: 1e-5) * 1.001
    }

    private static func signingKey(_ worker: Int) throws -> Curve25519.Signing.PrivateKey {
        try Curve25519.Signing.PrivateKey(rawRepresentation: ContentHash(of: Array("sign \(worker)".utf8)).bytes)
    }

    static func model(in folder: String) throws -> BaseModel {
        BaseModel(manifest: try ModelManifest(decoding: manifest), directory: folder)
    }

    /// What is wrong with a model in a folder; `nil` if nothing is.
    static func problem(ofModel folder: String) -> String? {
        for file in modelFiles {
            do {
                guard try MappedFile(path: "\(folder)/\(file.name)").copy() == file.bytes else {
                    return "\(file.name) has other bytes"
                }
            } catch { return "\(error)" }
        }
        return nil
    }

    /// Whether an object belongs to the model.
    static func isOfModel(_ object: ContentHash) -> Bool {
        object == ContentHash(of: manifest) || modelFiles.contains { ContentHash(of: $0.bytes) == object }
    }
}
