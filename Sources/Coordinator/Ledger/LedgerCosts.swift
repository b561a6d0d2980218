import Federation
import GRDB
import Wire

extension Ledger {
    /// What each update took to train; `NULL` where its worker did not tell.
    static let costColumns = """
        ALTER TABLE updates ADD COLUMN seconds REAL;
        ALTER TABLE updates ADD COLUMN joules REAL;
        ALTER TABLE updates ADD COLUMN isMeasured INTEGER;
        """

    /// What workers told of their training in the rounds before this one.
    func costs(before round: Int) throws(LedgerError) -> [WorkerName: (seconds: Double, joules: Double)] {
        try read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT worker, TOTAL(seconds) AS seconds, TOTAL(joules) AS joules FROM updates
                    WHERE round < ? GROUP BY worker
                    """, arguments: [round])
            return Dictionary(
                uniqueKeysWithValues: try rows.map { (try worker($0["worker"]), ($0["seconds"], $0["joules"])) })
        }
    }
}
