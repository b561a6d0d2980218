/// How noise is correlated over rounds so that it partly cancels in their sum, which is what the adapter is.
///
/// Let A sum rounds (lower triangular, all ones). Its square root is C = (c_{i−j}), with c_0 = 1 and
/// c_k = c_{k−1} (2k − 1) / 2k; here C keeps the first p coefficients. Publishing x + C⁻¹z, with z independent normal
/// noise, is publishing C⁻¹(Cx + z): a Gaussian mechanism on Cx. A worker that takes part in rounds p or more apart adds
/// to Cx in rows that do not overlap, so k participations cost what k releases of noise |c| · clip each would.
/// - SeeAlso: Kalinin and Lampert 2024 (arXiv:2405.13763); Kairouz et al. 2021 (arXiv:2103.00039) for DP-FTRL;
///   Denisov et al. 2022 (arXiv:2202.08312), why it holds where later updates depend on earlier releases.
public struct BandedSquareRoot: Hashable, Sendable {
    /// More bring little and cost memory: the noise of as many rounds is held.
    public static let bandsMax = 32

    /// c_0 … c_{p−1}
    public let coefficients: [Double]

    /// - Parameter bands: p, at least 1; with 1 the noise of each round is independent.
    public init(bands: Int) {
        precondition(bands >= 1, "\(bands) bands")
        var coefficients = [1.0]
        for lag in 1..<max(bands, 1) {
            coefficients.append(coefficients[lag - 1] * Double(2 * lag - 1) / Double(2 * lag))
        }
        self.coefficients = coefficients
    }

    public var bands: Int { coefficients.count }

    /// |c|: how far one participation moves Cx, over its own norm.
    public var columnNorm: Double { coefficients.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    /// The first coefficients of C⁻¹, which is lower triangular and Toeplitz as C is.
    private func inverse(count: Int) -> [Double] {
        var inverse: [Double] = []
        for row in 0..<count {
            var next = row == 0 ? 1.0 : 0.0
            for lag in 1..<max(min(bands, row + 1), 1) { next -= coefficients[lag] * inverse[row - lag] }
            inverse.append(next)
        }
        return inverse
    }

    /// Standard deviation of one round's noise, root mean square over `rounds` rounds, where z has the deviation
    /// ``columnNorm``.
    public func roundDeviation(rounds: Int) -> Double {
        columnNorm * Self.rootMeanSquare(ofRowsWith: inverse(count: rounds))
    }

    /// Standard deviation of the noise in a sum of rounds from the first on, root mean square over the sums of 1 to `rounds`
    /// rounds, where z has the deviation ``columnNorm``.
    public func sumDeviation(rounds: Int) -> Double {
        // A C⁻¹ is Toeplitz too: its coefficients are the running sums of those of C⁻¹.
        var sum = 0.0
        let sums = inverse(count: rounds).map { coefficient in
            sum += coefficient
            return sum
        }
        return columnNorm * Self.rootMeanSquare(ofRowsWith: sums)
    }

    /// Root mean square norm of the rows of a lower triangular Toeplitz matrix.
    private static func rootMeanSquare(ofRowsWith coefficients: [Double]) -> Double {
        var (row, total) = (0.0, 0.0)
        for coefficient in coefficients {
            row += coefficient * coefficient
            total += row
        }
        return (total / Double(coefficients.count)).squareRoot()
    }

    /// The one with the least noise in the sums of `rounds` rounds.
    ///
    /// - Parameter separation: Rounds from one participation of a worker to the next, at least: the most bands.
    public static func best(separation: Int, rounds: Int) -> BandedSquareRoot {
        precondition(separation >= 1 && rounds >= 1, "\(rounds) rounds, \(separation) apart")
        let candidates = (1...min(separation, rounds, bandsMax)).map(BandedSquareRoot.init)
        let deviations = candidates.map { $0.sumDeviation(rounds: rounds) }
        return zip(candidates, deviations).min { $0.1 < $1.1 }?.0 ?? BandedSquareRoot(bands: 1)
    }
}

/// C⁻¹z, round after round: `n_t = z_t − Σ c_k n_{t−k}`.
public struct CorrelatedNoise: Sendable {
    public let root: BandedSquareRoot
    /// n of the last rounds, the newest first; as many as ``root`` looks back.
    public private(set) var recent: [[Float]]

    /// - Parameter recent: As ``recent`` was when the noise was kept.
    public init(_ root: BandedSquareRoot, recent: [[Float]] = []) {
        precondition(recent.count < max(2, root.bands), "noise of \(recent.count) rounds for \(root.bands) bands")
        self.root = root
        self.recent = recent
    }

    /// A round's correlated noise, `[parameterCount]`, from its independent noise.
    public func next(_ independent: [Double]) -> [Double] {
        var noise = independent
        for (lag, earlier) in recent.enumerated() {
            precondition(earlier.count == noise.count, "noise of \(noise.count) values after \(earlier.count)")
            let factor = root.coefficients[lag + 1]
            for index in noise.indices { noise[index] -= factor * Double(earlier[index]) }
        }
        return noise
    }

    /// Takes note of the noise of a round that was published: of every one, in order. What was drawn for nothing never
    /// counts.
    public mutating func published(_ noise: [Double]) {
        guard root.bands > 1 else { return }
        recent.insert(noise.map { Float($0) }, at: 0)
        if recent.count >= root.bands { recent.removeLast() }
    }

    /// Independent normal noise of a round, `[count]`, from its secret key.
    public static func independent(count: Int, deviation: Double, key: [UInt8]) -> [Double] {
        var stream = SecretStream(key: key)
        var values = [Double](repeating: 0, count: count)
        NormalNoise.add(to: &values, deviation: deviation, using: &stream)
        return values
    }
}
