import LanguageModel
import Testing

@Suite("Stop strings")
struct StopStringsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let stops: [String]
        let expected: String
        var testDescription: String { "\(text) ends before \(stops)" }

        init(_ text: String, _ stops: [String], _ expected: String) {
            self.text = text
            self.stops = stops
            self.expected = expected
        }
    }

    static let cases = [
        Case("one two", [], "one two"),
        Case("one two", ["three"], "one two"),
        Case("one two", ["two"], "one "),
        Case("one two", ["one"], ""),
        Case("one\n\ntwo", ["\n\n"], "one"),
        Case("aaab", ["aab"], "a"),
        Case("ababac", ["abac"], "ab"),
        Case("a b c d", ["c", "b"], "a "),
        Case("abcd", ["bc", "abcd"], "a"),
        Case("xabc", ["bc", "abc"], "x"),
        Case("one tw", ["two"], "one tw"),
        Case("größer ✓✓", ["✓✓"], "größer "),
        Case("e\u{301}tude", ["\u{301}t"], "e"),
    ]

    @Test("The text ends before the stop string, however it is cut into pieces", arguments: cases)
    func cuts(_ given: Case) {
        let characters = Array(given.text.unicodeScalars)
        let ways = 1 << (characters.count - 1)
        for way in stride(from: 0, to: ways, by: max(1, ways / 300)) {
            var pieces = [String(characters[0])]
            for index in 1..<characters.count {
                if way >> (index - 1) & 1 == 1 { pieces.append("") }
                pieces[pieces.count - 1].unicodeScalars.append(characters[index])
            }
            var stops = StopStrings(given.stops)
            var shown = ""
            for piece in pieces {
                shown += stops.append(piece)
                #expect(given.expected.unicodeScalars.starts(with: shown.unicodeScalars), "shown too early: \(pieces)")
            }
            shown += stops.finish()
            #expect(Array(shown.utf8) == Array(given.expected.utf8), "\(pieces)")
            #expect(stops.isStopped == (given.expected != given.text))
        }
    }

    @Test("What can be no stop string is shown at once")
    func promptness() {
        var stops = StopStrings(["\nUser:", "END"])
        #expect(stops.append("Hello E") == "Hello ")
        #expect(stops.append("ve") == "Eve")
        #expect(stops.append("\nUse") == "")
        #expect(stops.append("ful") == "\nUseful")
        #expect(stops.append("EN") == "")
        #expect(stops.append("Dless") == "")
        #expect(stops.isStopped && stops.append("more") == "" && stops.finish() == "")
    }
}
