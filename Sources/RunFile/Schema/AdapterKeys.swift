import Recipe

extension RunSchema {
    static let adapterKeys =
        rankKeys + [
            SchemaKey(
                "adapter.method", .choice(AdapterOptions.Method.allCases.map(\.rawValue)), .value(.text("lora")),
                at: \.adapter.method, "Low-rank updates (lora), or with a magnitude per output as well (dora)."),
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
                "adapter.targets", .either([.choice(["all-linear"]), .textList, .expression]),
                .value(.text("all-linear")), at: \.adapter.targets,
                "Layers that get an adapter: all linear ones but the output head, a list of names (or their ends after a dot), "
                    + "or a regular expression over whole names."),
            SchemaKey(
                "adapter.exclude", .either([.textList, .expression]), .absent, at: \.adapter.exclusion,
                "Layers that get none although they are targets: a list of names or a regular expression."),
            SchemaKey(
                "adapter.rank-pattern", .integerMap(1...4_096), .absent, at: \.adapter.rankPattern,
                "Other ranks for some layers: regular expressions for the ends of their names; the first in order counts."
            ),
            SchemaKey(
                "adapter.alpha-pattern", .numberMap(.positive), .absent, at: \.adapter.alphaPattern,
                "Other alphas for some layers, in the same way."),
            SchemaKey(
                "adapter.from", .text, orWord: nil, .absent, at: \.adapterFrom,
                "PEFT directory of the adapter to start from; absent starts a fresh one."),
        ]
}
