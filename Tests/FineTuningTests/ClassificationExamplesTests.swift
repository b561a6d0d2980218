import FineTuning
import LanguageModel
import Testing

@Suite("Labelled examples")
struct ClassificationExamplesTests {
    private static func encode(_ text: String, _ limit: Int) -> [Int32] {
        Array(([1] + text.utf8.map { Int32($0) - 87 }).prefix(limit - 1)) + [2]
    }

    private static let rows = [
        DataRow(.text("ab"), label: "b"), DataRow(.text("cdefg"), label: "a"), DataRow(.text(""), label: "b"),
        DataRow(.text("x"), split: .test, label: "c"),
    ]

    @Test("class numbers follow the names given, or the sorted names found")
    func labels() throws {
        let given = try ClassificationExamples(
            .rows(Self.rows), labels: ["c", "b", "a"], maximumLength: 5, encode: Self.encode)
        #expect(given.count == 4 && given.labels == ["c", "b", "a"])
        #expect((0..<4).map { given[$0].label } == [1, 2, 1, 0])
        let found = try ClassificationExamples(.rows(Self.rows), split: .train, maximumLength: 5, encode: Self.encode)
        #expect(found.count == 3 && found.labels == ["a", "b"])
        #expect((0..<3).map { found[$0].label } == [1, 0, 1])
        #expect((0..<3).map { found[$0].tokens } == [[1, 10, 11, 2], [1, 12, 13, 14, 2], [1, 2]])
    }

    @Test("a batch holds its examples' tokens one after the other")
    func batches() throws {
        let examples = try ClassificationExamples(
            .rows(Self.rows), labels: ["a", "b", "c"], maximumLength: 5, encode: Self.encode)
        let batch = examples.batch([2, 0, 2])
        #expect(batch.tokens == [1, 2, 1, 10, 11, 2, 1, 2])
        #expect(batch.lengths == [2, 4, 2] && batch.labels == [1, 1, 1] && batch.examples == 3)
        #expect((0..<4).map(examples.length) == [4, 5, 2, 3])
    }

    @Test("examples on disk are those in memory")
    func spilling() throws {
        let rows = (0..<4000).map { index in
            DataRow(.text(String(repeating: "a", count: index % 100)), label: "\(index % 7)")
        }
        let make = { (limit: Int) in
            let spill = TokenSpill(memoryBytesMax: limit)
            let examples = try ClassificationExamples(
                .rows(rows), split: nil, labels: [], maximumLength: 80, spill: spill, encode: Self.encode)
            return (examples, spill.memoryBytes)
        }
        let (all, whole) = try make(1 << 30)
        let (some, bytes) = try make(300_000)
        #expect(bytes <= 300_000 && whole > 500_000)
        #expect((0..<4000).allSatisfy { all[$0] == some[$0] && all[$0].tokens == Self.encode(rows[$0].text, 80) })
    }

    @Test("rows that are no labelled text are refused with their place")
    func refusals() {
        let faults: [(DataRow, String)] = [
            (DataRow(.text("a"), label: "d"), "row 2 of the data: the label \"d\" is none of data.labels (a, b)"),
            (DataRow(.text("a")), "row 2 of the data: the row has no \"label\""),
            (
                DataRow(.completion(prompt: "a", completion: "b"), label: "a"),
                "row 2 of the data: a row for classification"
            ),
        ]
        for (row, message) in faults {
            #expect {
                try ClassificationExamples(
                    .rows([DataRow(.text("x"), label: "a"), row]), labels: ["a", "b"], maximumLength: 9,
                    encode: Self.encode)
            } throws: { error in
                "\(error)".contains(message)
            }
        }
    }

    @Test("Dirichlet shares keep every example once, whatever its label")
    func partition() throws {
        let rows = (0..<200).map { DataRow(.text("\($0)"), label: $0 < 150 ? "negative" : "positive") }
        let shares = try Partition.labelDirichlet(alpha: 0.3).shares(of: rows, workers: 5, seed: 4)
        let counts = try shares.map {
            try ClassificationExamples(
                .rows($0.rows), labels: ["negative", "positive"], maximumLength: 9, encode: Self.encode
            ).count
        }
        #expect(counts.reduce(0, +) == 200 && counts.allSatisfy { $0 > 0 })
    }
}
