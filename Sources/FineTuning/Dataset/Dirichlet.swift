internal import Glibc
internal import Randomness

/// Random proportions: a symmetric Dirichlet distribution.
enum Dirichlet {
    /// Draws `count` positive proportions with the sum 1; small `alpha` makes few of them large.
    ///
    /// Normalised gamma variates, kept as logarithms: for alpha below about 0.01 the variates themselves underflow.
    static func proportions(_ count: Int, alpha: Double, random: inout CounterRandom) -> [Double] {
        precondition(count > 0 && alpha > 0 && alpha.isFinite, "Dirichlet(\(alpha)) of \(count)")
        let logarithms = (0..<count).map { _ in logarithmOfGamma(shape: alpha, random: &random) }
        let largest = logarithms.max() ?? 0
        let weights = logarithms.map { exp($0 - largest) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    /// The logarithm of a gamma variate of scale 1.
    ///
    /// Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000), for shapes from 1 up;
    /// below 1 by Gamma(a) = Gamma(a + 1) · U^(1/a), ibid. section 6.
    private static func logarithmOfGamma(shape: Double, random: inout CounterRandom) -> Double {
        guard shape >= 1 else {
            let boost = log(random.uniformDouble()) / shape
            return logarithmOfGamma(shape: shape + 1, random: &random) + boost
        }
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal(&random)
            let root = 1 + c * x
            guard root > 0 else { continue }
            let v = root * root * root
            if log(random.uniformDouble()) < x * x / 2 + d * (1 - v + log(v)) { return log(d * v) }
        }
    }

    /// A standard normal variate (Box and Muller 1958; the second one is not used).
    private static func normal(_ random: inout CounterRandom) -> Double {
        let radius = (-2 * log(random.uniformDouble())).squareRoot()
        return radius * cos(2 * Double.pi * random.uniformDouble())
    }
}
