internal import Randomness

/// What a rank without a singular value goes on from.
///
/// A sum of products of few workers, or of low ranks, has fewer singular values than the global adapter has ranks. Where
/// both factors were 0, so would be their gradients for the rest of the run. With B = 0 alone the product stays what it is
/// and the rank can train: A keeps the direction that it had, as far as the singular vectors do not take it up.
enum SpareRows {
    /// Shorter than that, what is left of a direction is rounding.
    private static let leastLength = 1e-3

    /// By chance nearly all of a random direction lies in the others' span hardly ever, and never so often in turn.
    private static let attemptsMax = 64

    /// Gives every row that is 0 a direction orthogonal to all others, of length 1 as theirs.
    ///
    /// - Parameters:
    ///   - a: `[rank, inputs]`, row-major: singular vectors, then rows of zeros.
    ///   - earlier: The same factor before the round.
    ///   - random: Where a direction comes from if nothing of the earlier one is left.
    static func fill(_ a: inout [Float], earlier: ArraySlice<Float>, inputs: Int, random: inout CounterRandom) {
        let rank = a.count / inputs
        var known: [[Double]] = []
        for row in 0..<rank {
            let place = row * inputs..<(row + 1) * inputs
            if a[place].contains(where: { $0 != 0 }) {
                known.append(a[place].map(Double.init))
                continue
            }
            // Beyond as many rows as inputs, no direction is left.
            guard known.count < inputs else { return }
            var direction = orthogonal(earlier.dropFirst(row * inputs).prefix(inputs).map(Double.init), to: known)
            for _ in 0..<attemptsMax where direction == nil {
                direction = orthogonal((0..<inputs).map { _ in Double(random.normal()) }, to: known)
            }
            // Values that are no numbers: the round's aggregate is refused for them.
            guard let direction else { return }
            a.replaceSubrange(place, with: direction.map(Float.init))
            known.append(direction)
        }
    }

    /// The part of a vector that is orthogonal to orthonormal ones, of length 1; `nil` if hardly any is.
    private static func orthogonal(_ vector: [Double], to known: [[Double]]) -> [Double]? {
        guard var rest = normalised(vector, least: .leastNormalMagnitude) else { return nil }
        // Twice is enough (Giraud et al. 2005).
        for least in [leastLength, 0.5] {
            for other in known {
                let product = zip(other, rest).reduce(0) { $0 + $1.0 * $1.1 }
                for index in rest.indices { rest[index] -= product * other[index] }
            }
            guard let next = normalised(rest, least: least) else { return nil }
            rest = next
        }
        return rest
    }

    private static func normalised(_ vector: [Double], least: Double) -> [Double]? {
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length > least ? vector.map { $0 / length } : nil
    }
}
