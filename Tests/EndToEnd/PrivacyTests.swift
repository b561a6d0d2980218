import Testing

@Suite("shoal privacy")
struct PrivacyTests {
    @Test("account prints epsilon by both accountants")
    func account() throws {
        let outcome = try Program.run(
            "privacy", "account", "--sampling-rate", "0.01", "--noise-multiplier", "0.7", "--steps", "120", "--delta",
            "1e-5", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let object = try #require(try outcome.objects.first)
        #expect(object.keys.sorted() == ["pld", "rdp"])
        // dp-accounting 0.6
        #expect(abs(try #require(object["rdp"] as? Double) - 3.2392676) < 3e-3)
        #expect(abs(try #require(object["pld"] as? Double) - 2.4612381) < 1e-4)
    }

    @Test("plan finds noise that account agrees with")
    func plan() throws {
        let outcome = try Program.run(
            "privacy", "plan", "--epsilon", "8", "--delta", "1e-5", "--workers", "1000", "--per-round", "100",
            "--rounds", "20", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let plan = try #require(try outcome.objects.first)
        let noise = try #require(plan["noiseMultiplier"] as? Double)
        let spent = try #require(plan["epsilonSpent"] as? Double)
        #expect(spent <= 8 && spent > 7.9)
        let account = try Program.run(
            "privacy", "account", "--sampling-rate", "0.1", "--noise-multiplier", "\(noise)", "--steps", "20",
            "--delta", "1e-5", "--json")
        #expect(abs(try #require(try account.objects.first?["pld"] as? Double) - spent) < 1e-6)
    }

    @Test(
        "impossible numbers are refused",
        arguments: [
            ["account", "--sampling-rate", "2", "--noise-multiplier", "1", "--steps", "1", "--delta", "1e-5"],
            ["account", "--sampling-rate", "0.1", "--noise-multiplier", "1", "--steps", "0", "--delta", "1e-5"],
            ["plan", "--epsilon", "0", "--delta", "1e-5", "--workers", "10", "--per-round", "1", "--rounds", "1"],
            ["plan", "--epsilon", "1", "--delta", "1e-5", "--workers", "10", "--per-round", "11", "--rounds", "1"],
        ])
    func refused(_ arguments: [String]) throws {
        let outcome = try Program.start(["privacy"] + arguments).finish(limitSeconds: 60)
        #expect(outcome.code == 2)
        #expect(outcome.output.isEmpty && !outcome.errors.isEmpty)
    }
}
