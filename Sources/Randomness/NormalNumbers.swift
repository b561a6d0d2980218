import Glibc

extension CounterRandom {
    /// A number from the standard normal distribution (Box and Muller 1958), from two draws.
    public mutating func normal() -> Float {
        // 1 − u lies in (0, 1], where the logarithm is finite.
        let radius = (-2 * log(1 - uniformDouble())).squareRoot()
        return Float(radius * cos(2 * Double.pi * uniformDouble()))
    }
}
