import RunFile
import Testing

@Suite("Hostile run files")
struct HostileRunFileTests {
    private static func aliasBomb(levels: Int, asKey: Bool) -> String {
        var lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        for level in 1...levels {
            let references = [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            lines.append("a\(level): &a\(level) [\(references)]")
        }
        if asKey { lines.append("? *a\(levels)\n: 1") }
        return lines.joined(separator: "\n")
    }

    private static let cases: [String] = [
        "", "\n\n", "# only a comment", "~", "8", "text", "- a\n- b", "[]", "{}", "\"", "%", "@", "\t", "{", "[", "]",
        "---",
        "...", "--- a\n--- b", "&a *a", "a: *nothing", "&a [*a]", "? [a, b]\n: c", "? {a: b}\n: c", "!!binary x: y",
        "model: !!float m", "\u{0}", "\u{7}model: m", "model: \"\\0\"", "model: \"\\uFEFF\"", "model: 'a\n\n b'",
        "model: |\n  a\n  b", "federation: 8", "federation: [workers]", "federation: {workers: {}}",
        "{model: .nan, federation: {workers: .nan, rounds: .inf}}",
        aliasBomb(levels: 12, asKey: false), aliasBomb(levels: 12, asKey: true),
        String(repeating: "[", count: 100_000), String(repeating: "{", count: 100_000),
        String(repeating: "{a: ", count: 100_000), String(repeating: "- ", count: 100_000),
        String(repeating: "? ", count: 100_000),
        String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
        "model: " + String(repeating: "x", count: 1_000_000), String(repeating: "x", count: 1_000_000) + ": 1",
        (0..<60_000).map { "k\($0): 1" }.joined(separator: "\n"), String(repeating: "model: m\n", count: 100_000),
        "adapter: {targets: [" + (0..<60_000).map { "t\($0)" }.joined(separator: ", ") + "]}",
        String(repeating: " ", count: 2_000_000),
    ]

    @Test("are refused with a sentence, never a trap or a hang", arguments: cases.indices)
    func refused(_ index: Int) {
        let error = #expect(throws: RunFileError.self) { try RunConfiguration(yaml: Self.cases[index]) }
        #expect((error?.description.utf8.count ?? 0) < 20_000)
        #expect(error?.problems.allSatisfy { !$0.message.isEmpty && $0.location.hasPrefix("run.yaml") } == true)
    }

    @Test("as overrides are refused too", arguments: cases.indices)
    func overrides(_ index: Int) {
        #expect(throws: RunFileError.self) {
            try RunConfiguration(
                yaml: Minimal.yaml, overrides: ["adapter.targets=\(Self.cases[index])", "adapter.rank=x"])
        }
    }

    @Test(
        "that are no readable files are refused",
        arguments: ["/nonexistent/run.yaml", "/", "/dev/zero", "/proc/self/exe"])
    func files(_ path: String) {
        let error = #expect(throws: RunFileError.self) { try RunConfiguration.load(path: path) }
        #expect(error?.problems.first?.location == path)
    }
}
