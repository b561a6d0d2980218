import Federation
import Testing

@Suite("The age of a residual")
struct ResidualDecayTests {
    @Test(
        "counts rounds that were published without the worker",
        arguments: [
            (1, 2, 0), (1, 3, 1), (4, 5, 0), (4, 9, 4), (1, 40, 38), (7, 7, 0), (9, 3, 0),
        ])
    func missed(_ round: Int, _ next: Int, _ missed: Int) {
        var wanted = 1.0
        for _ in 0..<missed { wanted *= 0.95 }
        let factor = ResidualDecay(perRound: 0.95).factor(from: round, to: next)
        #expect(abs(Double(factor) - wanted) <= 1e-6 * wanted)
        // A worker that missed nothing loses nothing, to the bit.
        #expect((factor == 1) == (missed == 0))
        #expect(ResidualDecay.none.factor(from: round, to: next) == 1)
        #expect(ResidualDecay(perRound: 0).factor(from: round, to: next) == (missed == 0 ? 1 : 0))
    }

    @Test(
        "counts the rounds of its own part alone where parts take turns",
        arguments: [(1, 3, 0), (2, 4, 0), (1, 5, 1), (2, 10, 3), (3, 3, 0)])
    func turns(_ round: Int, _ next: Int, _ missed: Int) {
        let factor = ResidualDecay(perRound: 0.5).factor(from: round, to: next, turns: 2)
        #expect(factor == (0..<missed).reduce(Float(1)) { product, _ in product / 2 })
    }

    @Test("is not known of what was kept by a release without it")
    func unknown() {
        #expect(ResidualDecay(perRound: 0).factor(from: nil, to: 1_000) == 1)
    }

    @Test("a long absence leaves nothing, and takes no time")
    func long() {
        #expect(ResidualDecay(perRound: 0.999_999).factor(from: 1, to: .max) == 0)
    }

    @Test("takes off the residual alone: what is carried is Δ and the rest of it")
    func carried() {
        let feedback = ErrorFeedback([1, 2, 3], residual: [4, -8, 0], factor: 0.25)
        #expect(feedback.carried == [2, 0, 3])
        #expect(ErrorFeedback([1, 2], residual: nil, factor: 0).carried == [1, 2])
    }
}
