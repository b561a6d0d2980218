import Recipe

extension RunSchema {
    static let adapterKeys = [
        SchemaKey(
            "adapter.method", .choice(AdapterOptions.Method.allCases.map(\.rawValue)), .value(.text("lora")),
            at: \.adapter.method, "Kind of adapter."),
        SchemaKey(
            "adapter.rank", .integer(1...4_096), .value(.integer(8)), at: \.adapter.rank,
            "Rank of the low-rank matrices."),
        SchemaKey(
            "adapter.alpha", .number(.positive), .value(.number(16)), at: \.adapter.alpha,
            "Scale of the adapter's output, before division by the rank."),
        SchemaKey(
            "adapter.scaling", .choice(AdapterOptions.Scaling.allCases.map(\.rawValue)), .value(.text("standard")),
            at: \.adapter.scaling, "alpha / rank (standard) or alpha / sqrt(rank) (rank-stabilised)."),
        SchemaKey(
            "adapter.dropout", .number(.fraction), .value(.number(0)), at: \.adapter.dropout,
            "Probability of dropping an input of the adapter in training."),
        SchemaKey(
            "adapter.targets", .either([.choice(["all-linear"]), .textList]), .value(.text("all-linear")),
            at: \.adapter.targets,
            "Layers that get an adapter: all linear ones but the output head, or a list of names."),
        SchemaKey(
            "adapter.from", .text, orWord: nil, .absent, at: \.adapterFrom,
            "PEFT directory of the adapter to start from; absent starts a fresh one."),
    ]
}
