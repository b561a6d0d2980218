import FoundationEssentials
import Glibc
import ModelFiles

/// What a running coordinator says about the present moment: what it waits for, since when, and who is late.
///
/// Kept in `STATE/standing.json` for `shoal run show`. A note and no record: it is replaced whole but not flushed, and a
/// disk that refuses it stops nothing. Everything that must survive is in the ledger.
public struct RunStanding: Hashable, Codable, Sendable {
    /// A worker that holds up the run, and why. Where updates or evaluations are waited for, that is one
    ///
    /// - that still is at it after twice the median time from offer to update of the newest 100 updates, and no sooner
    ///   than `limits.lease` after its offer; nobody before the first update is there, and everybody once the round's
    ///   deadline has passed;
    /// - whose lease ended without an update: its connection was lost, or it gave no sign of life;
    /// - that declined, while nobody was found to take its place;
    /// - that has a part in a step of a sum under masks, other than training, and has not done it.
    ///
    /// Before enough workers have connected it is one that is enrolled and never did.
    public struct Late: Hashable, Codable, Sendable {
        public var worker: String
        public var reason: String

        public init(worker: String, reason: String) {
            self.worker = worker
            self.reason = reason
        }
    }

    public var version = 1
    /// Unit: seconds since 1970.
    public var writtenAt: Int64
    /// A sentence; `nil` while nothing is waited for.
    public var waitingFor: String?
    /// Unit: seconds since 1970.
    public var waitingSince: Int64?
    /// Whether that is workers that have yet to come: nobody is at work then. `nil`: an earlier release wrote it.
    public var waitsForWorkers: Bool?
    /// At most ``lateCountMax``, in name order.
    public var late: [Late]
    /// All of them.
    public var lateCount: Int
    /// Workers with an open session.
    public var connected: Int
    /// What peers were refused since the process began, by kind; `nil`: nothing.
    public var refusals: [String: Int]?

    public init(
        writtenAt: Int64, waitingFor: String?, waitingSince: Int64?, waitsForWorkers: Bool, late: [Late],
        lateCount: Int, connected: Int, refusals: [String: Int]?
    ) {
        self.writtenAt = writtenAt
        self.waitingFor = waitingFor
        self.waitingSince = waitingSince
        self.waitsForWorkers = waitsForWorkers
        self.late = late
        self.lateCount = lateCount
        self.connected = connected
        self.refusals = refusals
    }

    public static let lateCountMax = 200
    private static let bytesMax = 1 << 20

    static func path(in state: String) -> String { state + "/standing.json" }

    /// `nil` if there is none, or none that can be read.
    public static func read(in state: String) -> RunStanding? {
        guard let file = try? MappedFile(path: path(in: state)), file.bytes.count <= bytesMax,
            let standing = try? JSONDecoder().decode(RunStanding.self, from: Data(file.copy())), standing.version == 1
        else { return nil }
        return standing
    }

    func write(in state: String) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let text = try? encoder.encode(self) else { preconditionFailure("a record of plain values") }
        let path = Self.path(in: state)
        let temporary = path + ".tmp"
        // The names of workers and what they do are not for other users of the machine.
        let disk = DiskTable.disk(of: path)
        let descriptor = disk.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        let written = text.withUnsafeBytes { disk.write(descriptor, $0) }
        _ = disk.close(descriptor)
        guard written == text.count, disk.rename(temporary, to: path) == 0 else {
            _ = disk.unlink(temporary)
            return
        }
    }

    static func remove(in state: String) { _ = DiskTable.disk(of: state).unlink(path(in: state)) }
}
