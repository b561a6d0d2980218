/// How often a uniform quantiser's levels come when the values are normal.
package enum NormalFrequencies {
    /// For 1 to 5 bits: the step, and the frequencies of the levels 0, 1, 2 and so on out of 4,096, those of −1, −2 and
    /// so on being the same. A level's frequency is its cell's probability under the standard normal distribution, at
    /// least 1; levels end beyond 5 standard deviations. They are constants, because two machines' `erf` may round
    /// differently, and a coder needs the same integers on both sides.
    package static let tables: [(step: Float, frequencies: [Int])] = [
        (2.4361, [3182, 456, 1]),
        (1.0897, [1694, 990, 196, 13, 1, 1]),
        (0.526, [848, 741, 494, 251, 98, 29, 7, 1, 1, 1, 1]),
        (
            0.261,
            [424, 410, 371, 313, 247, 182, 125, 81, 49, 27, 14, 7, 3, 1, 1, 1, 1, 1, 1, 1]
        ),
        (
            0.1305,
            [
                212, 210, 205, 196, 185, 172, 156, 140, 123, 107, 91, 76, 62, 50, 40, 31, 24, 18, 13, 10, 7, 5, 3, 2, 2,
                1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
            ]
        ),
    ]
}
