import Recipe

extension RunSchema {
    static let modelKeys = [
        SchemaKey(
            "model", .text, .required, at: \.model,
            "Hugging Face directory of the base model, or `built-in` for the small one inside the program."),
        SchemaKey(
            "task", .choice(TaskKind.allCases.map(\.rawValue)), .value(.text("causal-lm")), at: \.task,
            "What the adapter learns."),
    ]

    static let dataKeys = [
        SchemaKey(
            "data.path", .text, orWord: nil, .absent, at: \.data.path,
            "Rows (.jsonl, .txt, .csv) that a simulation hands out; a coordinator evaluates on those of the test split."
        ),
        SchemaKey(
            "data.test-path", .text, orWord: nil, .absent, at: \.data.testPath,
            "Test rows, where they are not part of data.path."),
        SchemaKey(
            "data.partition", .either([.choice(["worker", "even"]), .parameter("label-dirichlet", .positive)]),
            .value(.text("worker")), at: \.data.partition,
            "How a simulation divides rows: by their `worker` field, evenly, or by label with Dirichlet(alpha)."),
        SchemaKey(
            "data.chat-template", .choice(ChatTemplateName.allCases.map(\.rawValue)), orWord: nil, .absent,
            at: \.training.chatTemplate,
            "How `messages` become text, on every worker; without it, as the base model's own files say."),
        SchemaKey(
            "data.labels", .textList, .absent, at: \.data.labels, "Label names in class order, for classification."),
    ]
}
