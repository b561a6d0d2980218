import Coordinator
import ModelFiles
import Transport

/// Where a coordinator keeps its key pair inside its state directory.
enum CoordinatorKeys {
    static func path(in state: String) -> String { state + "/coordinator.key" }

    /// The pair that is to follow, while it is announced.
    static func nextPath(in state: String) -> String { state + "/coordinator.next.key" }

    /// Makes the pair on first use.
    static func readOrCreate(in state: String) throws -> CurveKeyPair {
        try PrivateAccess.makeFolder(state)
        return try KeyFile.readOrCreate(path(in: state))
    }
}
