import Federation
import FineTuning
import FixtureFiles
import Foundation
import Recipe
import RunFile
import Testing
import Worker

@Suite("What single examples pay")
struct ExampleLedgerTests {
    private struct Accountants: Decodable {
        struct Epsilon: Decodable {
            let rate, noise: Double
            let steps: Int
            let delta, pld: Double
        }
        let epsilons: [Epsilon]
    }

    private let folder = NSTemporaryDirectory() + "shoal-examples-\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    @Test("counts what dp-accounting counts for the same rate, noise and steps, however rounds divide them")
    func accounting() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let data = try Data(contentsOf: URL(filePath: FixtureFiles.path("privacy/accountants.json")))
        let given = try JSONDecoder().decode(Accountants.self, from: data).epsilons.filter {
            $0.rate < 1 && $0.steps >= 20 && $0.steps <= 1_000
        }
        #expect(given.count >= 10)
        for entry in given {
            try? FileManager.default.removeItem(atPath: folder + "/examples.json")
            var ledger = try ExampleLedger(folder: folder)
            #expect(try ledger.epsilon(delta: entry.delta) == 0)
            let step = try SampledGaussian(samplingRate: entry.rate, noiseMultiplier: entry.noise)
            try ledger.spend(step, steps: entry.steps - 7, run: "one")
            try ledger.spend(step, steps: 4, run: "one")
            try ledger.spend(step, steps: 3, run: "another")
            // As another process reads it.
            let kept = try ExampleLedger(folder: folder)
            #expect(kept.entries == ledger.entries && kept.entries.map(\.steps) == [entry.steps - 3, 3])
            let epsilon = try kept.epsilon(delta: entry.delta)
            #expect(abs(epsilon - entry.pld) <= 1e-3 * entry.pld + 1e-9, "\(epsilon), expected \(entry.pld)")
        }
    }

    @Test("a damaged account is told, and never begun anew")
    func damaged() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var ledger = try ExampleLedger(folder: folder)
        try ledger.spend(SampledGaussian(samplingRate: 0.1, noiseMultiplier: 1), steps: 2, run: "r")
        let path = folder + "/examples.json"
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        for text in ["", "{", #"{"version":2,"entries":[]}"#, #"{"version":1,"entries":[{"run":"r","steps":0}]}"#] {
            try Data(text.utf8).write(to: URL(filePath: path))
            #expect(throws: OwnerLedgerError.self) { try ExampleLedger(folder: folder) }
        }
    }

    @Test("an owner's budget for single examples stops the training that would go beyond it")
    func budget() throws {
        var policy = OwnerPolicy()
        policy.required = [.exampleNoise]
        (policy.exampleEpsilon, policy.delta) = (2, 1e-5)
        let step = try SampledGaussian(samplingRate: 0.05, noiseMultiplier: 1)
        let budget = PrivacyBudget(epsilon: 2, delta: 1e-5)
        let fitting = try budget.left(step, after: [:], limit: 10_000)
        #expect(fitting > 10)
        #expect(policy.refusal(ofExampleSteps: fitting, step, after: [:]) == nil)
        #expect(policy.refusal(ofExampleSteps: 5, step, after: [step: fitting - 5]) == nil)
        let refusal = policy.refusal(ofExampleSteps: 6, step, after: [step: fitting - 5])
        #expect(refusal?.rule == .exampleEpsilon && refusal?.here.contains("it would be") == true)
    }

    @Test("noise on single examples does not cover balanced classes, so the pair is declined by any worker")
    func balanced() throws {
        let bench = WorkerBench()
        try bench.start()
        bench.beginTask()
        var task = try #require(bench.runner.started.first)
        (task.training.exampleClip, task.training.exampleNoiseMultiplier) = (1, 1)
        task.examplePayment = { _, _ in nil }
        #expect(try PrivateSteps.paid(task, count: 100).steps != nil)
        task.training.balancesClasses = true
        task.examplePayment = { _, _ in
            Issue.record("nothing is paid for a training that is declined")
            return nil
        }
        let (steps, refusal) = try PrivateSteps.paid(task, count: 100)
        #expect(steps == nil && refusal?.told.contains("training.balance-classes") == true)
    }

    @Test("coins fall as often as they should, and noise has its deviation")
    func source() {
        var source = SecretSteps(deviation: 0.6, key: [UInt8](repeating: 3, count: 32))
        let draws = 200_000
        let chosen = (0..<draws).count { _ in source.coin() < 0.05 }
        #expect(abs(Double(chosen) - 0.05 * Double(draws)) < 5 * (0.05 * 0.95 * Double(draws)).squareRoot())
        var sum = [Double](repeating: 2, count: draws)
        source.addNoise(to: &sum)
        let mean = sum.reduce(0, +) / Double(draws)
        let variance = sum.reduce(0) { $0 + ($1 - 2) * ($1 - 2) } / Double(draws)
        #expect(abs(mean - 2) < 5 * 0.6 / Double(draws).squareRoot())
        #expect(abs(variance / 0.36 - 1) < 5 * (2 / Double(draws)).squareRoot())
        var other = SecretSteps(deviation: 0.6)
        var another = SecretSteps(deviation: 0.6)
        #expect((0..<4).map { _ in other.coin() } != (0..<4).map { _ in another.coin() })
    }
}
