import Recipe

extension RunSchema {
    static let trainingKeys = stepKeys + optimizerKeys + resourceKeys + commandKeys

    private static let stepKeys = [
        SchemaKey(
            "training.local-steps", .integer(1...1_000_000), .value(.integer(10)), at: \.training.localSteps,
            "Optimiser steps a worker takes in a round."),
        SchemaKey(
            "training.local-epochs", .number(.positive), orWord: nil, .absent, at: \.training.localEpochs,
            "Passes over its own text that a worker takes in a round at most: one with little text stops before local-steps. "
                + "Schedules count local-steps for every round."),
        SchemaKey(
            "training.batch-size", .integer(1...65_536), .value(.integer(8)), at: \.training.batchSize,
            "Blocks or examples in one forward and backward pass."),
        SchemaKey(
            "training.accumulation-steps", .integer(1...65_536), .value(.integer(1)), at: \.training.accumulationSteps,
            "Passes whose gradients are averaged before one optimiser step."),
        SchemaKey(
            "training.sequence-length", .integer(2...1_048_576), .value(.integer(128)), at: \.training.sequenceLength,
            "Length of a block. Unit: tokens."),
    ]

    private static let optimizerKeys = [
        SchemaKey(
            "training.optimizer", .choice(TrainingOptions.Optimizer.allCases.map(\.rawValue)), .value(.text("adamw")),
            at: \.training.optimizer, "Optimiser of a worker; its state starts fresh each round."),
        SchemaKey(
            "training.learning-rate", .number(.positive), .value(.number(1e-3)), at: \.training.learningRate,
            "Peak learning rate."),
        SchemaKey(
            "training.schedule", .choice(TrainingOptions.Schedule.allCases.map(\.rawValue)), .value(.text("constant")),
            at: \.training.schedule, "Learning rate after warm-up, over all rounds' steps."),
        SchemaKey(
            "training.warmup-steps", .integer(0...1_000_000_000), .value(.integer(0)), at: \.training.warmupSteps,
            "Global steps over which the rate rises linearly from 0."),
        SchemaKey(
            "training.weight-decay", .number(.nonNegative), .value(.number(0)), at: \.training.weightDecay,
            "Decoupled weight decay."),
        SchemaKey(
            "training.beta1", .number(.fraction), .value(.number(0.9)), at: \.training.beta1,
            "AdamW's decay of the mean gradient."),
        SchemaKey(
            "training.beta2", .number(.fraction), .value(.number(0.999)), at: \.training.beta2,
            "AdamW's decay of the mean squared gradient."),
        SchemaKey(
            "training.epsilon", .number(.positive), .value(.number(1e-8)), at: \.training.epsilon,
            "AdamW's addition to the denominator."),
        SchemaKey(
            "training.momentum", .number(.fraction), .value(.number(0)), at: \.training.momentum, "SGD's momentum."),
        SchemaKey(
            "training.clip-norm", .number(.positive), orWord: "none", .value(.number(1)), at: \.training.clipNorm,
            "Largest gradient norm, all parameters together; `none` never clips."),
        SchemaKey(
            "training.proximal", .number(.positive), orWord: nil,
            .derived("0.01 with strategy fedprox, else none") {
                $0.federation.strategy == .fedprox ? .number(0.01) : nil
            }, at: \.training.proximal,
            "Weight mu of (mu/2)·|w − w_t|², which holds a worker near the round's adapter; with any strategy."),
        SchemaKey(
            "training.balance-classes", .boolean,
            .derived("true with task classification, else false") { .boolean($0.task == .classification) },
            at: \.training.balancesClasses,
            "Draw every class that a worker has equally often, and leave those it has not out of its loss: workers with "
                + "different mixes of classes then train one model, for classes equally frequent."),
    ]

    private static let resourceKeys = [
        SchemaKey(
            "training.precision", .choice(TrainingOptions.Precision.allCases.map(\.rawValue)),
            .value(.text("float32")), at: \.training.precision,
            "Element type of the base model's weights and activations; sums, adapter and optimiser are float32."),
        SchemaKey(
            "training.recompute", .boolean, .value(.boolean(false)), at: \.training.recomputes,
            "Compute each layer's inner values again in the backward pass: less memory for about a quarter more time."),
        SchemaKey(
            "training.prepack", .boolean, .value(.boolean(false)), at: \.training.prepacks,
            "Lay the base model's weights out for matrix products once: some percent faster, most with short batches, for "
                + "twice the weights' memory or more."),
        SchemaKey(
            "training.threads", .integer(1...1_024), orWord: "auto", .value(.text("auto")), change: .allowed,
            at: \.trainingThreads,
            "Threads of one worker; `auto` divides the host's cores among those that train at once. Runs replay bit for bit "
                + "whatever the number."),
    ]

    private static let commandKeys = [
        SchemaKey(
            "training.command", .words, .absent, change: .allowed, at: \.trainerCommand,
            "A program, and its arguments, that trains in place of the native trainer in a simulation; on real machines "
                + "each worker's owner names one: shoal worker --trainer."),
        SchemaKey(
            "training.command-time-limit", .duration(.seconds(1)...(.seconds(30 * 86_400))),
            .value(.duration(.seconds(3_600))), change: .allowed, at: \.trainerTimeLimit,
            "A task at which that program is longer is ended."),
    ]
}
