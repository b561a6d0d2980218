import Reporting
import Testing

@Suite("Axes")
struct ScaleTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let values: [Double]
        var includesZero = false
        var isWhole = false
        let ticks: [Double]
        let digits: Int

        var testDescription: String { "\(values)" }
    }

    /// Ticks are 1, 2 or 5 times a power of ten apart: what a person would write beside the axis.
    @Test(arguments: [
        Case(values: [0, 8], ticks: [0, 2, 4, 6, 8], digits: 0),
        Case(values: [1.2, 1.27], ticks: [1.2, 1.22, 1.24, 1.26, 1.28], digits: 2),
        Case(values: [5.3, 0.8], includesZero: true, ticks: [0, 2, 4, 6], digits: 0),
        Case(values: [1, 3], isWhole: true, ticks: [1, 2, 3], digits: 0),
        Case(values: [7, 7], isWhole: true, ticks: [7], digits: 0),
        Case(values: [0, 4e6], ticks: [0, 1e6, 2e6, 3e6, 4e6], digits: 0),
        Case(values: [.nan, 2, .infinity, 4], ticks: [2, 2.5, 3, 3.5, 4], digits: 1),
    ])
    func ticks(_ given: Case) {
        let scale = Scale(given.values, includesZero: given.includesZero, isWhole: given.isWhole)
        #expect(scale.ticks.count == given.ticks.count)
        for (found, expected) in zip(scale.ticks, given.ticks) {
            #expect(abs(found - expected) < 1e-9 * max(1, abs(expected)))
        }
        #expect(scale.digits == given.digits)
    }

    @Test(
        "whatever must fit lies within the axis",
        arguments: [[0.1, 0.3], [-3, -2.9], [1e-9, 2e-9], [1e12, 5e13], [4, 4], []])
    func fits(_ values: [Double]) {
        let scale = Scale(values)
        for value in values { #expect((0...1).contains(scale.place(value))) }
        #expect(!scale.ticks.isEmpty && scale.ticks.count <= 12)
    }
}
