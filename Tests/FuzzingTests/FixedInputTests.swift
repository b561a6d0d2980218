import Fuzzing
import InputMutation
import Testing

/// What libFuzzer does without end (`deploy/fuzz.sh`), the test suite does for a fixed number of inputs.
@Suite("Readers of bytes from outside")
struct FixedInputTests {
    /// Models are built and run, and files written: those take longer.
    private static func count(_ target: FuzzTarget) -> Int {
        switch target {
        case .model, .runfile, .adapter: 600
        case .rows, .keys, .shards, .labels, .download, .chat, .codecName, .tokenizer: 1_500
        default: 5_000
        }
    }

    @Test("take what they should", arguments: FuzzTarget.allCases)
    func sound(_ target: FuzzTarget) throws {
        let read = try target.reader()
        let seeds = try target.seeds()
        #expect(seeds.count >= (target == .shards ? 1 : 2))
        for (index, seed) in seeds.enumerated() { #expect(try read(seed), "seed \(index)") }
    }

    @Test("give a value or a typed error for damaged input", arguments: FuzzTarget.allCases)
    func damaged(_ target: FuzzTarget) throws {
        let read = try target.reader()
        var mutator = InputMutator(try target.seeds(), key: 2_027)
        var refused = 0
        for _ in 0..<Self.count(target) {
            if try !read(mutator.next()) { refused += 1 }
        }
        // Some damage is harmless and most is not: the inputs reach beyond the first check.
        #expect(refused > 0 && refused < Self.count(target), "\(refused) refused of \(Self.count(target))")
    }

    @Test("take no prefix of anything without end", arguments: FuzzTarget.allCases)
    func prefixes(_ target: FuzzTarget) throws {
        let read = try target.reader()
        for seed in try target.seeds().prefix(6) {
            for length in stride(from: 0, to: min(seed.count, 400), by: target == .model ? 29 : 7) {
                _ = try read(Array(seed.prefix(length)))
            }
        }
    }
}
