internal import FoundationEssentials
public import ModelFiles

/// Keeps what an owner's policy counts across restarts, `owner.json` of a worker's state folder: nothing leaves before
/// it is written down.
final class OwnerLedger {
    private(set) var standing = OwnerStanding()
    private let path: String

    private static let bytesMax = 4 << 20

    /// - Throws: Also where the file is damaged: a budget never begins anew by itself.
    init(folder: String) throws(OwnerLedgerError) {
        path = folder + "/owner.json"
        let bytes: [UInt8]?
        do { bytes = try StateFolder.read(path, bytesMax: Self.bytesMax) } catch { throw .file(error) }
        guard let bytes else { return }
        guard let kept = try? JSONDecoder().decode(OwnerStanding.self, from: Data(bytes)), kept.isSound else {
            throw .unreadable(path: path)
        }
        standing = kept
    }

    /// Makes a change durable, and only then takes it over.
    func change(_ edit: (inout OwnerStanding) -> Void) throws(FileError) {
        var next = standing
        edit(&next)
        guard next != standing else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let text = try? encoder.encode(next) else { preconditionFailure("a record of plain, finite values") }
        try AtomicFile.write(Array(text), to: path, permissions: 0o600)
        standing = next
    }
}

extension OwnerStanding {
    fileprivate var isSound: Bool {
        version == 1 && unprotected >= 0 && reports >= 0
            && noised.allSatisfy { $0.updates >= 1 && Self.step($0.noiseMultiplier) != nil }
            && runs.values.allSatisfy { $0.trainings >= 1 && $0.noiseMultiplier.isFinite }
    }
}

/// Why an owner's policy cannot be kept.
public enum OwnerLedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(FileError)
    case unreadable(path: String)

    public var description: String {
        switch self {
        case .file(let error): error.description
        case .unreadable(let path):
            "\(path) is damaged or of another release: what has left this worker is not known any more; bring the file "
                + "back from a backup, or remove it to begin counting anew"
        }
    }
}
