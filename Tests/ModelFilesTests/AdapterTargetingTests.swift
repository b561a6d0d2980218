import FixtureFiles
import Foundation
import ModelFiles
import Testing

@Suite("PEFT's rules for targets")
struct AdapterTargetingTests {
    @Test("PEFT's configurations select the layers, ranks and scales that PEFT gave them", arguments: PEFTTargets.names)
    func selection(_ name: String) throws {
        let expected = try PEFTTargets.load(name)
        let (configuration, layout, _) = try AdapterDirectory.read(PEFTTargets.directory(name))
        let targeting = try AdapterTargeting(configuration)
        let selected = expected.linear.filter { targeting.selects($0.name, isOutputHead: $0.isOutputHead) }
        #expect(Set(selected.map(\.name)) == Set(expected.targets.keys))
        for (layer, values) in expected.targets {
            #expect([Double(targeting.rank(of: layer)), targeting.scale(of: layer)] == values, "\(layer)")
        }
        #expect(expected.linear.map(\.name).filter(targeting.savesWhole).sorted() == expected.saved)
        let names = layout.entries.compactMap { AdapterTensorName($0.name)?.layer }
        #expect(Set(names) == Set(expected.targets.keys))
    }

    @Test(
        "many targets are shortened as PEFT shortens them", arguments: ["all-linear-many", "all-linear-many-exclude"])
    func shortened(_ name: String) throws {
        let linear = try PEFTTargets.load(name).linear
        let stored = try AdapterDirectory.read(PEFTTargets.directory(name))
        guard case .named(let written) = stored.configuration.targetModules else {
            Issue.record("no list")
            return
        }
        #expect(
            AdapterTargeting.shortestEndings(
                of: linear.filter { !$0.isOutputHead }.map(\.name),
                apartFrom: linear.filter(\.isOutputHead).map(\.name)) == written.sorted())
    }

    @Test("endings that another layer has are not used")
    func ambiguousEndings() {
        #expect(
            AdapterTargeting.shortestEndings(of: ["m.a.x", "m.b.x", "m.y"], apartFrom: ["n.b.x", "x"])
                == ["a.x", "m.b.x", "y"])
    }

    struct Patterns: Decodable {
        struct Pattern: Decodable {
            let text: String
            /// Positions of the names that `re.fullmatch` accepts.
            let whole: [Int]
            /// The same of `rank_pattern` keys; `nil` where Python refuses the expression there.
            let ending: [Int]?

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                text = try list.decode(String.self)
                whole = try list.decode([Int].self)
                ending = try list.decode([Int]?.self)
            }
        }

        let names: [String]
        let patterns: [Pattern]
    }

    /// What Swift's engine cannot do, or does otherwise.
    static let refusedHere: Set<String> = [
        "model.*(?<!gate)_proj", "[]q]+", "[^]]*", "(?x) q _proj",
    ]

    @Test("regular expressions match what Python's match")
    func python() throws {
        let file = try JSONDecoder().decode(
            Patterns.self, from: Data(contentsOf: URL(filePath: FixtureFiles.path("peft/patterns.json"))))
        #expect(file.patterns.count > 200)
        for pattern in file.patterns {
            var configuration = AdapterConfiguration(rank: 1, alpha: 1, targetModules: .pattern(pattern.text))
            if Self.refusedHere.contains(pattern.text) {
                #expect(throws: ModuleNamePatternError.self, "\(pattern.text)") { try AdapterTargeting(configuration) }
                continue
            }
            var targeting = try AdapterTargeting(configuration)
            let whole = file.names.indices.filter { targeting.selects(file.names[$0]) }
            #expect(whole == pattern.whole, "\(pattern.text)")
            configuration.targetModules = .allLinear
            configuration.rankPattern = [pattern.text: 2]
            guard let expected = pattern.ending else {
                #expect(throws: ModuleNamePatternError.self, "\(pattern.text)") { try AdapterTargeting(configuration) }
                continue
            }
            targeting = try AdapterTargeting(configuration)
            let ending = file.names.indices.filter { targeting.rank(of: file.names[$0]) == 2 }
            #expect(ending == expected, "\(pattern.text)")
        }
    }

    @Test(
        "what the engines read differently, and what is no expression, is refused by name",
        arguments: [
            "[[:alpha:]]", "[a&&b]", "[a--b]", "[a[b]]", #"\h"#, #"\Qa\E"#, #"\p{L}"#, #"\R"#, #"\X"#, "(?<n>a)",
            "a(?i)b", "(?m)a", "(", ")", "a)(b", "*", "a{,}", "\\", "ü", "(?P<a", "[a", #"\07"#, "(*FAIL)",
            String(repeating: "a", count: 5_000),
        ])
    func refused(_ pattern: String) {
        #expect {
            try AdapterTargeting(AdapterConfiguration(rank: 1, alpha: 1, targetModules: .pattern(pattern)))
        } throws: { "\($0)".contains("'\(pattern)' is not supported") }
    }
}
