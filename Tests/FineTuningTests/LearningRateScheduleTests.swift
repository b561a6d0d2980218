import FineTuning
import FixtureFiles
import Foundation
import Recipe
import Testing

@Suite("Learning-rate schedules")
struct LearningRateScheduleTests {
    private struct Case: Decodable {
        let kind: String
        let warmup: Int
        let total: Int
        let peak: Double
        let rates: [Double]
    }

    @Test("agree with transformers at every step")
    func agreesWithTransformers() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: FixtureFiles.path("schedules/schedules.json")))
        let cases = try JSONDecoder().decode([Case].self, from: data)
        #expect(cases.count >= 8)
        for given in cases {
            let kind = try #require(TrainingOptions.Schedule(rawValue: given.kind))
            let schedule = LearningRateSchedule(
                TrainingOptions(
                    learningRate: given.peak, schedule: kind, warmupSteps: given.warmup, totalSteps: given.total))
            for (index, expected) in given.rates.enumerated() {
                #expect(
                    abs(schedule.rate(at: index + 1) - expected) < 1e-12,
                    "\(given.kind) warm-up \(given.warmup) of \(given.total), step \(index + 1)")
            }
        }
    }
}
