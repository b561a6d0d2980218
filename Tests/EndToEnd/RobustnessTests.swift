import FixtureFiles
import Foundation
import Testing

/// Attacked simulations, and the rules against them, as a person runs them.
@Suite("Attacks and robust rules", .serialized)
struct RobustnessTests {
    /// Seconds long.
    private static let quickRun = """
        model: built-in
        data: {path: built-in, partition: worker}
        adapter: {rank: 4, alpha: 8, targets: all-linear}
        training: {local-steps: 3, batch-size: 4, sequence-length: 64, optimizer: adamw, learning-rate: 0.003}
        federation: {workers: 4, rounds: 3, seed: 7}
        """

    private let folder: ScratchFolder
    private let runFile: String

    init() throws {
        folder = ScratchFolder()
        runFile = try folder.write(Self.quickRun, to: "run.yaml")
    }

    private func simulate(_ options: String..., state: String) throws -> [[String: Any]] {
        let arguments = ["simulate", "--in-process", "--json", "--config", runFile, "--state", folder.file(state)]
        let outcome = try Program.start(arguments + options).finish(limitSeconds: 240)
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try outcome.objects
    }

    private func finalLoss(_ objects: [[String: Any]]) throws -> Double {
        try #require(objects.last?["finalLoss"] as? NSNumber).doubleValue
    }

    @Test("a bad worker spoils the mean and not the median; who it was is said, and the ledger suspects it")
    func signFlip() throws {
        let attack = "sign-flip:scale=20,share=0.25"
        let robust = ["--set", "federation.robust=[median]", "--set", "federation.robust-share=0.25"]
        let honest = try finalLoss(simulate(state: "honest"))
        let spoilt = try simulate("--attack", attack, state: "spoilt")
        let held = try simulate("--attack", attack, robust[0], robust[1], robust[2], robust[3], state: "held")
        #expect(try finalLoss(spoilt) > 1.2 * honest)
        #expect(try finalLoss(held) < 1.05 * honest)

        let told = try #require(spoilt.first?["attack"] as? [String: Any])
        #expect(spoilt.first?["event"] as? String == "attack" && told["name"] as? String == attack)
        let bad = try #require(told["workers"] as? [String])
        #expect(bad.count == 1)
        let closing = try #require(held.last?["attack"] as? [String: Any])
        #expect(closing["workers"] as? [String] == bad)

        let shown = try Program.run("run", "show", folder.file("held"), "--json").objects
        let suspicion = try #require(shown.first?["suspicion"] as? [[String: Any]])
        #expect(suspicion.count == 4 && suspicion.first?["worker"] as? String == bad.first)
        let text = try Program.run("run", "show", folder.file("held")).output
        #expect(text.contains("attacked: a simulation made 1 workers bad") && text.contains("No verdict"))
        #expect(try Program.run("run", "show", folder.file("spoilt")).output.contains("suspicion") == false)
    }

    @Test("a backdoor's success is measured: the attacked completion grows likelier after its trigger")
    func backdoor() throws {
        let objects = try simulate("--attack", "backdoor:share=0.25", state: "backdoor")
        let attack = try #require(objects.last?["attack"] as? [String: Any])
        let base = try #require(attack["backdoorLossBase"] as? NSNumber).doubleValue
        let final = try #require(attack["backdoorLoss"] as? NSNumber).doubleValue
        #expect(base > 0 && final < 0.9 * base)
    }

    @Test("an attack is refused outside one process, and when it is none")
    func refusals() throws {
        let processes = try Program.run("simulate", "--config", runFile, "--attack", "ipm")
        #expect(processes.code == 2 && processes.errors.contains("--in-process"))
        let unknown = try Program.run("simulate", "--config", runFile, "--in-process", "--attack", "magic")
        #expect(unknown.code == 2 && unknown.errors.contains("sign-flip, ipm, alie"))
    }
}
