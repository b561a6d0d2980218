import Federation
import Testing

@Suite("Checking an update before it counts")
struct UpdateCheckTests {
    @Test("passes a sound update and gives its norm")
    func sound() throws {
        #expect(try UpdateCheck(parameterCount: 2).validate([3, -4], trainingItems: 1) == 5)
        #expect(try UpdateCheck(parameterCount: 2, maximumNorm: 5).validate([3, -4], trainingItems: 1) == 5)
    }

    @Test("gives a finite norm for the largest values")
    func largest() throws {
        let norm = try UpdateCheck(parameterCount: 1).validate([-.greatestFiniteMagnitude], trainingItems: 1)
        #expect(norm == Double(Float.greatestFiniteMagnitude))
    }

    @Test("refuses a wrong shape", arguments: [[], [1], [1, 2, 3]] as [[Float]])
    func shape(_ update: [Float]) {
        #expect(throws: UpdateRefusal.wrongShape(expected: 2, actual: update.count)) {
            try UpdateCheck(parameterCount: 2).validate(update, trainingItems: 1)
        }
    }

    @Test(
        "refuses a value that is not finite and says where",
        arguments: [Float.nan, .signalingNaN, .infinity, -.infinity])
    func finiteness(_ value: Float) {
        #expect(throws: UpdateRefusal.notFinite(index: 1)) {
            try UpdateCheck(parameterCount: 3).validate([0, value, 0], trainingItems: 1)
        }
    }

    @Test("refuses a norm above the limit")
    func norm() {
        #expect(throws: UpdateRefusal.normTooLarge(norm: 5, limit: 4.5)) {
            try UpdateCheck(parameterCount: 2, maximumNorm: 4.5).validate([3, -4], trainingItems: 1)
        }
    }

    @Test("refuses an update without data behind it")
    func noData() {
        #expect(throws: UpdateRefusal.noTrainingItems) {
            try UpdateCheck(parameterCount: 1).validate([1], trainingItems: 0)
        }
    }
}
