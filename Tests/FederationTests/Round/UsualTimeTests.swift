import Federation
import Testing

@Suite("How long something usually takes")
struct UsualTimeTests {
    @Test func theMedianIsInTheMiddleWhateverTheOrder() {
        #expect(UsualTime().median == nil && UsualTime().lateAfter(floor: 5) == nil)
        #expect(UsualTime([7]).median == 7)
        #expect(UsualTime([9, 1, 1_000]).median == 9)
        #expect(UsualTime([4, 1, 3, 2]).median == 3)
    }

    @Test func oldTimesAreForgotten() {
        // A hundred slow ones, then as many quick ones: after 49 of them the slow are still the majority.
        var usual = UsualTime([Double](repeating: 50, count: UsualTime.countMax))
        for _ in 0..<49 { usual.note(2) }
        #expect(usual.median == 50)
        for _ in 0..<51 { usual.note(2) }
        #expect(usual.median == 2)
        // The hundred and first replaced the oldest, and no other.
        for _ in 0..<49 { usual.note(8) }
        #expect(usual.median == 2)
        for _ in 0..<2 { usual.note(8) }
        #expect(usual.median == 8)
    }

    @Test(arguments: [(10.0, 30.0, 30.0), (40.0, 30.0, 80.0), (15.0, 30.0, 30.0)])
    func lateIsTwiceTheUsualAndNoLessThanTheFloor(_ usual: Double, _ floor: Double, _ expected: Double) {
        #expect(UsualTime([usual]).lateAfter(floor: floor) == expected)
    }
}
