package import Coordinator

/// The run that a monitor shows.
package struct RunSource: Sendable {
    package var ledger: Ledger
    /// Folder of the run's state.
    package var state: String
    package var board: FleetBoard
    package var notices: RunNotices

    package init(ledger: Ledger, state: String, board: FleetBoard, notices: RunNotices) {
        self.ledger = ledger
        self.state = state
        self.board = board
        self.notices = notices
    }
}
