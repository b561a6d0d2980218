import FineTuning
import FixtureFiles
import LanguageModel
import ModelFiles
import Testing

@Suite("What of a row is learned")
struct CompletionTests {
    /// One token a letter, a = 10; "th" is one token, 40.
    static func encode(_ text: String) -> [Int32] {
        var tokens: [Int32] = []
        for byte in text.utf8 {
            if byte == UInt8(ascii: "h"), tokens.last == 29 {
                tokens[tokens.count - 1] = 40
            } else {
                tokens.append(Int32(byte) - 87)
            }
        }
        return tokens
    }

    static func encoder(bos: Int32? = 1, eos: Int32? = 2) -> RowEncoder {
        RowEncoder(encode: encode, bos: bos, eos: eos, template: .failure(.unrecognised(directory: "")))
    }

    @Test("of a prompt and its completion: the completion and EOS")
    func completion() throws {
        let given = try Self.encoder().labelled(DataRow(.completion(prompt: "ab", completion: "cd")))
        #expect(given.tokens == [1, 10, 11, 12, 13, 2])
        #expect(given.labels == [-100, -100, -100, 12, 13, 2])
        let bare = try Self.encoder(bos: nil, eos: nil).labelled(DataRow(.completion(prompt: "", completion: "c")))
        #expect(bare.tokens == [12] && bare.labels == [12])
    }

    @Test("of a text: everything")
    func text() throws {
        let given = try Self.encoder().labelled(DataRow(.text("ab")))
        #expect(given.tokens == [1, 10, 11, 2] && given.labels == given.tokens)
    }

    @Test("a token across the boundary belongs to the completion; the row's tokens stay those of the whole text")
    func straddling() throws {
        let given = try Self.encoder().labelled(DataRow(.completion(prompt: "at", completion: "he")))
        #expect(given.tokens == [1, 10, 40, 14, 2])
        #expect(given.labels == [-100, -100, 40, 14, 2])
    }

    @Test("rows are packed across each other with their labels; blocks of nothing but prompt are dropped")
    func packing() throws {
        let rows = [
            DataRow(.completion(prompt: "abcdefg", completion: "i")), DataRow(.text("jk")),
            DataRow(.completion(prompt: "lmnopqr", completion: "")),
        ]
        // 1 10 11 12 | 13 14 15 16 | 18 2 1 19 | 20 2 1 21 | 22 23 24 25 | 26 27 2
        let grouped = try GroupedBlocks(.rows(rows), encoder: Self.encoder(), length: 4)
        let blocks = grouped.joined()
        #expect(blocks.tokens == [18, 2, 1, 19, 20, 2, 1, 21])
        #expect(blocks.labels == [18, 2, 1, 19, 20, 2, -100, -100])
        #expect(grouped.blocksWithoutTarget == 3)
        #expect(grouped.notices.count == 1)
        let batch = blocks.batch([1, 1, 0])
        #expect(batch.targetCounts == [1, 1, 3])
        #expect(batch.labels == [20, 2, -100, -100, 20, 2, -100, -100, 18, 2, 1, 19])
    }

    @Test("a group of prompts alone is reported")
    func promptsAlone() throws {
        let row = DataRow(.completion(prompt: "abcdefg", completion: "h"))
        let grouped = try GroupedBlocks(.rows([row]), encoder: Self.encoder(), length: 4)
        #expect(grouped.groups.isEmpty)
        #expect(
            grouped.skipped.map(\.description) == [
                "the data has no completion in any block of 4 of its 10 train tokens: skipped; shorten the prompts or raise "
                    + "training.sequence-length"
            ])
    }

    @Test("blocks beyond the bound lie on disk and are the same; memory holds four bytes a token up to the bound")
    func spilling() throws {
        let rows = (0..<900).map { index in
            let text = String(repeating: "abcdefgijk", count: 40)
            return DataRow(
                index.isMultiple(of: 3) ? .completion(prompt: text, completion: "xyz") : .text(text),
                worker: index.isMultiple(of: 2) ? "a" : "b")
        }
        let pack = { (bytes: Int) in
            let spill = TokenSpill(memoryBytesMax: bytes)
            let grouped = try GroupedBlocks(
                .rows(rows), split: nil, encoder: Self.encoder(), length: 48, spill: spill)
            return (grouped, spill)
        }
        let (inMemory, all) = try pack(1 << 30)
        let tokens = inMemory.groups.reduce(0) { $0 + $1.blocks.count } * 48
        #expect(all.memoryBytes == 4 * tokens)
        for limit in [0, 300_000, 4 * tokens - 1] {
            let (onDisk, spill) = try pack(limit)
            #expect(spill.memoryBytes <= limit)
            #expect(onDisk.groups.reduce(0) { $0 + $1.blocks.memoryBytes } <= limit)
            #expect(onDisk.groups == inMemory.groups)
            #expect(onDisk.joined().batch([0, 900, 5, 0]).labels == inMemory.joined().batch([0, 900, 5, 0]).labels)
            #expect(onDisk.joined().memoryBytes <= limit)
        }
    }
}
