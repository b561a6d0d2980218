import GRDB
package import ModelFiles

extension Ledger {
    /// Objects that a run still needs: all adapters and what belongs to them, the server optimiser's state after the newest,
    /// the noise that later noise depends on, and updates that count in no published version yet.
    ///
    /// Of everything else (updates of published rounds and of attempts that came to nothing, earlier states) the hash alone
    /// is kept.
    package func neededObjects() throws(LedgerError) -> Set<ContentHash> {
        let kept = try read { database in
            try String.fetchAll(
                database,
                sql: """
                    WITH newest AS (SELECT MAX(version) AS version FROM adapter)
                    SELECT object FROM adapter
                    UNION SELECT optimizerState FROM adapter JOIN newest USING (version) WHERE optimizerState IS NOT NULL
                    UNION SELECT object FROM residual WHERE object IS NOT NULL
                    UNION SELECT object FROM publishedNoise
                    UNION SELECT updates.object FROM arrival JOIN updates USING (round, attempt, worker)
                        WHERE countsIn > (SELECT version FROM newest)
                    """
            ).map { text in
                guard let object = ContentHash(text) else { throw LedgerError.damaged(what: "a hash") }
                return object
            }
        }
        return Set(kept).union(try openRound()?.updates.map(\.object) ?? [])
    }
}
