import Randomness

/// Draws from the standard normal distribution, the same for the same key.
func normalValues(_ count: Int, key: UInt64) -> [Float] {
    var random = CounterRandom(key: key)
    return (0..<count).map { _ in random.normal() }
}

/// ‖left − right‖² / ‖right‖²
func normalisedError(_ left: [Float], _ right: [Float]) -> Double {
    var (squares, total) = (0.0, 0.0)
    for (left, right) in zip(left, right) {
        squares += (Double(left) - Double(right)) * (Double(left) - Double(right))
        total += Double(right) * Double(right)
    }
    return squares / total
}
