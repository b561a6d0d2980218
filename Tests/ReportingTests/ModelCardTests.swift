import ModelFiles
import Reporting
import Testing

@Suite("Model cards")
struct ModelCardTests {
    private let weights = ContentHash(of: [1])

    private func card(
        baseModel: String = "owner/name", labels: [String] = [], proof: ModelCard.Proof? = nil
    ) -> String {
        ModelCard(
            baseModel: baseModel, baseIdentity: ContentHash(of: [2]), run: "00112233", round: 7, taskType: "CAUSAL_LM",
            labels: labels, adapter: [.init("rank", "8")], training: [.init("strategy", "fedavg")],
            privacy: ["No differential privacy."], weights: weights, proof: proof, software: "1.2.3"
        ).markdown()
    }

    /// The YAML head's lines.
    private func head(_ card: String) throws -> [Substring] {
        let lines = card.split(separator: "\n", omittingEmptySubsequences: false)
        try #require(lines.first == "---")
        let end = try #require(lines.dropFirst().firstIndex(of: "---"))
        return Array(lines[1..<end])
    }

    @Test("the head has the keys that the Hub reads")
    func hub() throws {
        let lines = try head(card())
        #expect(lines.contains(#"base_model: "owner/name""#))
        #expect(lines.contains("library_name: peft"))
        #expect(lines.contains("pipeline_tag: text-generation"))
        #expect(lines.contains("- federated-learning"))
    }

    @Test("a base model's name cannot end the head, a table's row or a link")
    func hostileName() throws {
        let text = card(baseModel: "a\n---\n# b | <script> [x](y) \"q\"")
        #expect(try head(text).filter { $0.hasPrefix("base_model:") }.count == 1)
        // Odd parts lie between backticks: code, which shows what it holds.
        let body = text.split(separator: "\n# ", maxSplits: 1).last ?? ""
        let prose = body.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter {
            $0.offset % 2 == 0
        }
        for part in prose { #expect(!part.element.contains("<") && !part.element.contains("[x]")) }
        for line in text.split(separator: "\n") where line.hasPrefix("| ") {
            #expect(line.replacing("\\|", with: "").count { $0 == "|" } == 3, "\(line)")
        }
    }

    @Test("hashes are written out, and the command that checks them")
    func proof() {
        let head = ContentHash(of: [3])
        let proof = ModelCard.Proof(record: 9, head: head, key: String(repeating: "ab", count: 32), adapter: weights)
        let text = card(proof: proof)
        #expect(text.contains("| record of the round | 9 |"))
        #expect(text.contains("`\(weights)`"))
        #expect(text.contains("shoal run verify STATE --head \(head) --key \(proof.key)"))
        #expect(!text.contains("cut to another rank"))
        var other = proof
        other.adapter = ContentHash(of: [4])
        #expect(card(proof: other).contains("cut to another rank"))
        #expect(card().contains("no signed record of this round"))
    }

    @Test("class names stand in their order")
    func classes() {
        #expect(card(labels: ["good", "b|ad"]).contains(#"| classes | good, b\|ad |"#))
    }
}
