/// Finds the known word that a mistyped one was meant to be.
enum Suggestion {
    /// The nearest of `known` by edit distance, if no more than a third of its letters differ.
    static func nearest(to word: String, among known: [String]) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        let ranked = known.map { (word: $0, distance: distance(Array(word.utf8), Array($0.utf8))) }
        guard let best = ranked.min(by: { ($0.distance, $0.word) < ($1.distance, $1.word) }) else { return nil }
        return best.distance <= max(1, max(word.utf8.count, best.word.utf8.count) / 3) ? best.word : nil
    }

    /// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
    private static func distance(_ first: [UInt8], _ second: [UInt8]) -> Int {
        var rows = [Array(0...second.count)]
        for row in first.indices {
            var next = [row + 1]
            for column in second.indices {
                let substituted = rows[row][column] + (first[row] == second[column] ? 0 : 1)
                var best = min(substituted, rows[row][column + 1] + 1, next[column] + 1)
                if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
                    best = min(best, rows[row - 1][column - 1] + 1)
                }
                next.append(best)
            }
            rows.append(next)
        }
        return rows[first.count][second.count]
    }
}
