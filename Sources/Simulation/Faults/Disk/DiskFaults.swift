/// What a ``SimulatedDisk`` does wrong, and when its machine goes down.
package struct DiskFaults: Sendable {
    package enum Crash: Sendable {
        /// The process is killed; the system's caches survive it.
        case kill
        /// The machine loses power; what was not synchronised may be gone.
        case powerCut
    }

    /// Probability that a call which changes something fails, for want of space or by an error of the device.
    package var failure = 0.0
    /// Probability that a write takes only a part of its bytes.
    package var shortWrite = 0.0
    /// After so many more calls that change something, the machine goes down in the middle of one.
    package var crashCountdown: Int?
    package var crash = Crash.powerCut

    /// Bugs planted on purpose, for the check that the simulation finds them.
    package var plantedBugs: Set<PlantedBug> = []

    package init() {}

    package static let none = DiskFaults()
}

/// What somebody might have left out of the program, planted where a simulation can leave it out.
package enum PlantedBug: String, CaseIterable, Sendable {
    /// Files are not synchronised before somebody is told that they are safe.
    case noFileSync = "no-file-sync"
    /// Folders are not synchronised after a rename.
    case noFolderSync = "no-folder-sync"
    /// SQLite runs with `synchronous=OFF`.
    case noLedgerSync = "no-ledger-sync"
    /// A worker's residual is not kept across its restart.
    case forgottenResidual = "forgotten-residual"
    /// Rounds are published without a look at the gate.
    case noGate = "no-gate"
    /// An update that is sent again counts again, for another worker.
    case doubleCount = "double-count"
}
