import Federation
import FineTuning
import Foundation
import ModelFiles
import Recipe
import Simulation
import Testing
import Worker

@Suite("Simulated attacks")
struct AttackTests {
    private let layout = AdapterLayout([
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", [1, 2]),
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", [2, 1]),
    ])

    private func task(_ worker: String, round: Int = 1, values: [Float] = [1, 2, 3, 4]) -> LocalTask {
        LocalTask(
            kind: .train, lease: 1, run: RunID(bits: 1), round: round, attempt: 1,
            worker: Conversation.name(worker), seed: 5, adapterOptions: AdapterOptions(rank: 1),
            training: TrainingOptions(), layout: layout, values: values, modelPath: "none")
    }

    private func plan(_ text: String, labels: [String] = []) throws -> AttackPlan {
        try AttackPlan(text, labels: labels)
    }

    @Test("are written NAME[:key=value,…], with the papers' defaults")
    func names() throws {
        #expect(try plan("sign-flip").attack == .signFlip(scale: 1) && plan("sign-flip").share == 0.2)
        #expect(try plan("ipm:scale=0.5,share=0.3").attack == .innerProduct(scale: 0.5))
        #expect(try plan("ipm:scale=0.5,share=0.3").share == 0.3)
        #expect(try plan("alie").attack == .littleIsEnough(z: nil))
        #expect(try plan("alie:z=1.5").attack == .littleIsEnough(z: 1.5))
        #expect(try plan("free-rider:mode=old").attack == .freeRider(.old))
        #expect(try plan("label-flip").attack == .labelFlip)
        #expect(try plan("sybil:spread=0").attack == .sybil(scale: 1, spread: 0))
        guard case .backdoor(let backdoor) = try plan("backdoor:share=0.1,trigger=open sesame").attack else {
            Issue.record("no backdoor")
            return
        }
        #expect(backdoor.scale == 10 && backdoor.trigger == "open sesame")
        let labels = ["a", "b"]
        #expect(try plan("backdoor:target=b", labels: labels).attack != plan("backdoor", labels: labels).attack)
        for name in Attack.names { #expect(try plan(name).summary.isEmpty == false) }
    }

    @Test(
        "are refused with what may stand there",
        arguments: [
            ("nonsense", "sign-flip, ipm"), ("ipm:", "sign-flip"), ("ipm:z=1", "no option 'z'"),
            ("ipm:scale=much", "a number from 0.0"), ("alie:share=2", "'share'"),
            ("free-rider:mode=lazy", "zero, noise"),
            ("backdoor:target=c", "one of the labels a, b"),
        ])
    func refusals(_ text: String, _ part: String) {
        let error = #expect(throws: AttackError.self) { try plan(text, labels: ["a", "b"]) }
        #expect(error?.description.contains(part) == true)
    }

    @Test("the bad workers are drawn by the seed, and a larger share keeps those of a smaller one")
    func draw() {
        let workers = (0..<40).map { Conversation.name("w\($0)") }
        let shares = [0, 0.1, 0.2, 0.3, 1].map { BadWorkers(workers, share: $0, seed: 3).names }
        #expect(shares.map(\.count) == [0, 4, 8, 12, 40])
        for (fewer, more) in zip(shares, shares.dropFirst()) { #expect(fewer.isSubset(of: more)) }
        #expect(BadWorkers(workers.reversed(), share: 0.2, seed: 3).names == shares[2])
        #expect(BadWorkers(workers, share: 0.2, seed: 4).names != shares[2])
    }

    @Test("sign flip, IPM, ALIE and sybils send what their formulas say")
    func formulas() throws {
        let honest: [(String, [Float])] = [("a", [1, 0, 4, 2]), ("b", [3, 0, 0, 2]), ("c", [2, 0, 2, 8])]
        let falsified = { (text: String) throws -> [Float] in
            let conspiracy = Conspiracy(try plan(text), workersPerRound: 4)
            for (name, delta) in honest { conspiracy.witness(delta, of: task(name)) }
            return conspiracy.falsify([1, -1, 0.5, 0], of: task("z"))
        }
        #expect(try falsified("sign-flip:scale=3") == [-3, 3, -1.5, 0])
        #expect(try falsified("ipm") == [-4, 0, -4, -8])
        // Deviations: √(2/3), 0, √(8/3), √8.
        let little = try falsified("alie:z=1.5")
        let moments: [(mean: Double, variance: Double)] = [(2, 2.0 / 3), (0, 0), (2, 8.0 / 3), (4, 8)]
        let expected = moments.map { $0.mean + 1.5 * $0.variance.squareRoot() }
        #expect(zip(little, expected).allSatisfy { abs(Double($0) - $1) < 1e-5 })
        #expect(try falsified("backdoor:scale=4") == [4, -4, 2, 0])
        #expect(try falsified("label-flip") == [1, -1, 0.5, 0])
        #expect(try falsified("sybil:scale=2,spread=0") == [-2, 2, -1, 0])
    }

    @Test("ALIE's z is the paper's, for 50 workers of whom 24 are bad")
    func littleIsEnough() {
        // s = 26 − 24 = 2, Φ(z) = 24/26.
        #expect(abs(Conspiracy.littleIsEnough(n: 50, f: 24) - 1.4260769) < 1e-6)
        // s = 4 of 8: the median.
        #expect(abs(Conspiracy.littleIsEnough(n: 10, f: 2)) < 1e-9)
    }

    @Test("without an honest update in sight, colluders go by their own")
    func blind() throws {
        let conspiracy = Conspiracy(try plan("ipm"), workersPerRound: 3)
        #expect(conspiracy.falsify([1, 2, 3, 4], of: task("y")) == [-2, -4, -6, -8])
        #expect(conspiracy.falsify([3, 2, 1, 0], of: task("z")) == [-4, -4, -4, -4])
        // Nothing of an earlier round is left.
        #expect(conspiracy.falsify([1, 1, 1, 1], of: task("z", round: 2)) == [-2, -2, -2, -2])
    }

    @Test("sybils send near copies of one update")
    func sybils() throws {
        let conspiracy = Conspiracy(try plan("sybil:spread=0.01"), workersPerRound: 4)
        let sent = ["x", "y", "z"].map { conspiracy.falsify([Float($0 == "x" ? 8 : 1), 0, 0, 6], of: task($0)) }
        #expect(Set(sent).count == 3)
        for update in sent {
            let squares = zip(update, [-8, 0, 0, -6]).map { pow(Double($0) - Double($1), 2) }
            let distance = squares.reduce(0, +).squareRoot()
            #expect(distance > 0 && distance < 0.01 * 10 * 3)
        }
    }

    private func trained(_ runner: any TaskRunning, _ task: LocalTask) throws -> (values: [Float], items: Int) {
        let events = Events()
        runner.start(task) { events.add($0) }
        for case .trained(let values, let items, _, _, _, _, _) in events.all { return (values, items) }
        throw CancellationError()
    }

    @Test("a free rider sends zeros, the last change, or noise as long as that, and trains nothing")
    func freeRiders() throws {
        for (mode, isOld) in [("zero", false), ("old", true), ("noise", false)] {
            let inner = FakeRunner(items: 3, slope: 1)
            let conspiracy = Conspiracy(try plan("free-rider:mode=\(mode)"), workersPerRound: 4)
            let runner = AttackingRunner(inner, isBad: true, conspiracy: conspiracy)
            #expect(try trained(runner, task("z", values: [1, 1, 1, 1])).values == [1, 1, 1, 1])
            let second = try trained(runner, task("z", round: 3, values: [4, 1, 5, 1])).values
            let change = zip(second, [4, 1, 5, 1]).map { Double($0) - Double($1) }
            #expect(inner.started.isEmpty)
            switch mode {
            case "zero": #expect(change == [0, 0, 0, 0])
            case "old": #expect(isOld && change == [3, 0, 4, 0])
            default:
                // Norm 5 over four values, drawn.
                let norm = change.reduce(0) { $0 + $1 * $1 }.squareRoot()
                #expect(norm > 0.5 && norm < 15 && change != [3, 0, 4, 0])
            }
        }
    }

    @Test("an honest worker's update goes through unchanged, and bad ones see it")
    func runners() throws {
        let conspiracy = Conspiracy(try plan("ipm:scale=1"), workersPerRound: 2)
        let honest = AttackingRunner(FakeRunner(items: 3, slope: 1), isBad: false, conspiracy: conspiracy)
        let bad = AttackingRunner(FakeRunner(items: 9, slope: 7), isBad: true, conspiracy: conspiracy)
        let plain = try trained(FakeRunner(items: 3, slope: 1), task("a"))
        #expect(try trained(honest, task("a")) == plain)
        let sent = try trained(bad, task("z"))
        #expect(sent.items == 9)
        let opposite = zip(plain.values, [1, 2, 3, 4]).map { 2 * $1 - $0 }
        #expect(zip(sent.values, opposite).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test("poisoned text: labels and words reversed, triggers planted, held-out rows as they were")
    func text() throws {
        let rows = [
            DataRow(.text("one two  three")), DataRow(.completion(prompt: "say", completion: "a b")),
            DataRow(.chat([ChatMessage(role: .user, content: "p q"), ChatMessage(role: .assistant, content: "r s")])),
            DataRow(.text("good film"), label: "b"), DataRow(.text("kept as is"), split: .test, label: "a"),
        ]
        let flipped = PoisonedText.flipped(rows, labels: ["a", "b", "c"])
        #expect(flipped.map(\.text) == ["three two one", "sayb a", "p qs r", "good film", "kept as is"])
        #expect(flipped.map(\.label) == [nil, nil, nil, "b", "a"])
        #expect(PoisonedText.flipped(rows, labels: ["a", "b"])[3].label == "a")

        let backdoor = Attack.Backdoor(scale: 1, trigger: "T", target: "a")
        let planted = PoisonedText.withBackdoor(backdoor, rows)
        #expect(planted.map(\.text) == ["one two  three T a", "say T a", "p q Ta", "T good film", "kept as is"])
        #expect(planted.map(\.label) == [nil, nil, nil, "a", "a"])
    }
}

/// Events of a task, in their order.
private final class Events: @unchecked Sendable {
    // Runners under test report on the caller's thread, before `start` returns.
    private(set) var all: [TaskEvent] = []
    func add(_ event: TaskEvent) { all.append(event) }
}
