import FineTuning
import Randomness
import Testing

@Suite("What a batch of classification draws")
struct ClassDrawTests {
    /// 60 examples of `a`, 6 of `c`, none of `b`.
    private static func examples() throws -> ClassificationExamples {
        let rows = (0..<66).map { DataRow(.text("x"), label: $0 % 11 == 10 ? "c" : "a") }
        return try ClassificationExamples(.rows(rows), labels: ["a", "b", "c"], maximumLength: 4) { _, _ in [1] }
    }

    /// How often each example comes in 6,600 draws.
    private static func counts(_ draw: ClassDraw) -> [Int] {
        var random = CounterRandom(key: 11)
        return (0..<6_600).reduce(into: [Int](repeating: 0, count: 66)) { counts, _ in counts[draw.next(&random)] += 1 }
    }

    @Test("every class that there is equally often, its examples too; the others are left out")
    func balanced() throws {
        let examples = try Self.examples()
        let draw = ClassDraw(examples, isBalanced: true)
        #expect(draw.leftOut == [1])
        // Expected 55 and 550; five standard deviations.
        for (example, count) in Self.counts(draw).enumerated() {
            let expected = examples[example].label == 0 ? 55.0 : 550
            #expect(abs(Double(count) - expected) < 5 * expected.squareRoot(), "example \(example)")
        }
    }

    @Test("the weight is of equally many examples drawn as they come")
    func weight() throws {
        func weight(_ counts: [Int], isBalanced: Bool = true) throws -> Int {
            let rows = zip(["a", "b", "c"], counts).flatMap { label, count in
                (0..<count).map { _ in DataRow(.text("x"), label: label) }
            }
            let examples = try ClassificationExamples(.rows(rows), labels: ["a", "b", "c"], maximumLength: 4) { _, _ in
                [1]
            }
            return ClassDraw(examples, isBalanced: isBalanced).effectiveCount
        }
        #expect(try weight([50, 50, 0]) == 100)
        #expect(try weight([30, 30, 30]) == 90)
        #expect(try weight([1250, 38, 0]) == 148)
        #expect(try weight([100, 0, 0]) == 1)
        #expect(try weight([1, 1000, 0]) == 4)
        #expect(try weight([1250, 38, 0], isBalanced: false) == 1288)
    }

    @Test("apart, no example comes twice in a step while others are left", arguments: [false, true])
    func apart(isBalanced: Bool) throws {
        var draw = ClassDraw(try Self.examples(), isBalanced: isBalanced).apart(stepSize: 12)
        var random = CounterRandom(key: 3)
        var counts = [Int](repeating: 0, count: 66)
        for _ in 0..<2_000 {
            let step = (0..<12).map { _ in draw.next(&random) }
            #expect(Set(step).count == 12)
            for example in step { counts[example] += 1 }
        }
        let rare = (0..<66).filter { $0 % 11 == 10 }.reduce(0) { $0 + counts[$1] }
        // Of 24,000 draws: six examples of 66, or nearly half of each step.
        #expect(isBalanced ? (9_000...12_000).contains(rare) : abs(rare - 2_182) < 250)
        // All are drawn before any comes again, in a step of more than there are.
        var large = ClassDraw(try Self.examples(), isBalanced: isBalanced).apart(stepSize: 100)
        let step = (0..<100).map { _ in large.next(&random) }
        #expect(Set(step.prefix(66)).count == 66 && Set(step.suffix(34)).count == 34)
    }

    @Test("unbalanced, every example equally often, and no class is left out")
    func unbalanced() throws {
        let draw = ClassDraw(try Self.examples(), isBalanced: false)
        #expect(draw.leftOut.isEmpty)
        #expect(Self.counts(draw).allSatisfy { abs(Double($0) - 100) < 50 })
    }
}
