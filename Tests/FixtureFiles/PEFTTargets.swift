import Foundation

/// One of `Fixtures/peft/targets`: what PEFT made of a configuration on a tiny model.
public struct PEFTTargets: Decodable {
    public struct Linear: Decodable {
        public let name: String
        public let inputs: Int
        public let outputs: Int
        public let isOutputHead: Bool
        public let isConv1D: Bool
        public let hasBias: Bool

        public init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            name = try list.decode(String.self)
            inputs = try list.decode(Int.self)
            outputs = try list.decode(Int.self)
            isOutputHead = try list.decode(Bool.self)
            isConv1D = try list.decode(Bool.self)
            hasBias = try list.decode(Bool.self)
        }
    }

    /// Every linear layer of the model, in its order.
    public let linear: [Linear]
    /// Layer → rank, scale.
    public let targets: [String: [Double]]
    /// Modules that train whole.
    public let saved: [String]
    /// DoRA's targets → the norms of their weight's rows.
    public let rowNorms: [String: [Float]]

    enum CodingKeys: String, CodingKey {
        case linear, targets, saved
        case rowNorms = "row_norms"
    }

    public static func directory(_ name: String) -> String { FixtureFiles.path("peft/targets/" + name) }

    public static func load(_ name: String) throws -> PEFTTargets {
        try JSONDecoder().decode(
            PEFTTargets.self, from: Data(contentsOf: URL(filePath: directory(name) + "/expected.json")))
    }

    public static let names = [
        "all-linear", "all-linear-many", "all-linear-many-exclude", "bert-classes", "bert-classes-all-linear",
        "distilbert-classes", "distilbert-classes-all-linear", "dora", "exclude-list", "exclude-regex", "gpt2",
        "gpt2-all-linear", "gpt2-dora", "gpt2-head", "head", "head-regex", "head-tied", "layers", "list",
        "llama-classes", "patterns", "regex", "rslora",
    ]
}
