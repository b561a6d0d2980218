import FineTuning
import LanguageModel
import Testing

@Suite("Packing texts into blocks")
struct DatasetPackingTests {
    /// One token a letter, a = 10.
    static func encode(_ text: String) -> [Int32] {
        text.utf8.map { Int32($0) - 87 }
    }

    @Test("each text stands between BOS and EOS; the remainder is dropped")
    func pack() {
        let blocks = Packing.pack(texts: ["ab", "", "cde"], encode: Self.encode, bos: 1, eos: 2, length: 4)
        // 1 10 11 2 | 1 2 1 12 | 13 14 2
        #expect(blocks.tokens == [1, 10, 11, 2, 1, 2, 1, 12])
        #expect(blocks.count == 2)
        #expect(Array(blocks[1]) == [1, 2, 1, 12])
        #expect(blocks.batch([1, 0, 1]).tokens == [1, 2, 1, 12, 1, 10, 11, 2, 1, 2, 1, 12])
        #expect(blocks.batch([1, 0, 1]).blocks == 3)
    }

    @Test("BOS and EOS are left out if there are none")
    func withoutSpecials() {
        #expect(
            Packing.pack(texts: ["ab", "cd"], encode: Self.encode, bos: nil, eos: nil, length: 2).tokens
                == [10, 11, 12, 13])
        #expect(
            Packing.pack(texts: ["ab", "cd"], encode: Self.encode, bos: nil, eos: 2, length: 3).tokens
                == [10, 11, 2, 12, 13, 2])
        #expect(Packing.pack(texts: ["ab"], encode: Self.encode, bos: nil, eos: nil, length: 3).count == 0)
    }

    @Test("workers and splits are packed apart, in order of first appearance; short groups are reported")
    func groups() throws {
        let rows = [
            DataRow(.text("ab"), worker: "y"), DataRow(.text("cd"), worker: "x"),
            DataRow(.text("e"), split: .test, worker: "y"), DataRow(.text("fg"), worker: "y"),
            DataRow(.completion(prompt: "h", completion: "i")), DataRow(.text("jkl"), split: .test, worker: "x"),
        ]
        let encoder = RowEncoder(
            encode: Self.encode, bos: nil, eos: nil, template: .failure(.unrecognised(directory: "")))
        let grouped = try GroupedBlocks(.rows(rows), encoder: encoder, length: 2)
        #expect(grouped.groups.map(\.worker) == ["y", "x", nil, "x"])
        #expect(grouped.groups.map(\.split) == [.train, .train, .train, .test])
        #expect(grouped.groups.map(\.rows) == [2, 1, 1, 1])
        #expect(
            grouped.groups.map(\.blocks.tokens) == [[10, 11, 15, 16], [12, 13], [17, 18], [19, 20]])
        #expect(grouped.joined().tokens == [10, 11, 15, 16, 12, 13, 17, 18, 19, 20])
        #expect(grouped.joined(.test).tokens == [19, 20])
        #expect(
            grouped.skipped.map(\.description) == [
                "worker y has 1 test tokens, less than one block of 2: skipped; "
                    + "add text or lower training.sequence-length"
            ])
    }
}
