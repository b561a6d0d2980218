import CWire
import Federation
import ModelFiles
import Recipe

extension Offer {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Offer> {
        let fields = arena.message(shoal__v1__offer__init)
        fields.pointee.lease = lease
        switch task {
        case .train: fields.pointee.task = SHOAL__V1__OFFER__TASK__TASK_TRAIN
        case .evaluate: fields.pointee.task = SHOAL__V1__OFFER__TASK__TASK_EVALUATE
        }
        fields.pointee.lease_milliseconds = leaseMilliseconds
        if let deadlineMilliseconds {
            fields.pointee.deadline_presence_case = SHOAL__V1__OFFER__DEADLINE_PRESENCE_DEADLINE_MILLISECONDS
            fields.pointee.deadline_milliseconds = deadlineMilliseconds
        }
        fields.pointee.base_model = arena.bytes(baseModel.bytes)
        fields.pointee.adapter = arena.bytes(adapter.bytes)
        fields.pointee.adapter_options = adapterOptions.packed(in: &arena)
        fields.pointee.training = training.packed(in: &arena)
        fields.pointee.uplink = arena.text(uplink.description)
        fields.pointee.seed = seed
        fields.pointee.error_feedback = errorFeedback ? 1 : 0
        if residualDecay != 1 {
            fields.pointee.residual_decay_presence_case = SHOAL__V1__OFFER__RESIDUAL_DECAY_PRESENCE_RESIDUAL_DECAY
            fields.pointee.residual_decay = residualDecay
        }
        fields.pointee.residual_turns = residualTurns == 1 ? 0 : UInt32(clamping: residualTurns)
        if let residual { fields.pointee.residual = arena.bytes(residual.bytes) }
        if let control {
            fields.pointee.control_presence_case = SHOAL__V1__OFFER__CONTROL_PRESENCE_CONTROL
            fields.pointee.control = arena.bytes(control.bytes)
        }
        if let fixedFactors {
            fields.pointee.fixed_factors_presence_case = SHOAL__V1__OFFER__FIXED_FACTORS_PRESENCE_FIXED_FACTORS
            fields.pointee.fixed_factors = arena.bytes(fixedFactors.bytes)
        }
        fields.pointee.catch_up = catchUp?.packed(in: &arena)
        if let privacy {
            if let clip = privacy.clip {
                fields.pointee.clip_presence_case = SHOAL__V1__OFFER__CLIP_PRESENCE_CLIP
                fields.pointee.clip = clip
            }
            fields.pointee.noise_deviation = privacy.noiseDeviation
            fields.pointee.withhold_metrics = privacy.withholdsMetrics ? 1 : 0
        }
        fields.pointee.masking = masking?.packed(in: &arena)
        var attempts: [UnsafeMutablePointer<Shoal__V1__RoundAttempt>] = []
        for attempt in rolledBack.suffix(WireLimits.rolledBackCount) {
            let entry = arena.message(shoal__v1__round_attempt__init)
            entry.pointee.round = attempt.round
            entry.pointee.attempt = attempt.attempt
            attempts.append(entry)
        }
        fields.pointee.rolled_back = arena.list(attempts)
        fields.pointee.n_rolled_back = attempts.count
        return fields
    }
}

extension CatchUp {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__CatchUp> {
        let fields = arena.message(shoal__v1__catch_up__init)
        fields.pointee.object = arena.bytes(object.bytes)
        fields.pointee.start = arena.bytes(base.bytes)
        fields.pointee.version = UInt32(clamping: version)
        fields.pointee.codec = arena.text(codec.description)
        fields.pointee.frozen_factors = arena.numbers(frozenFactors.map(FactorCoding.number))
        fields.pointee.n_frozen_factors = frozenFactors.count
        return fields
    }
}

extension AdapterOptions {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__AdapterOptions> {
        let fields = arena.message(shoal__v1__adapter_options__init)
        switch method {
        case .lora: fields.pointee.method = SHOAL__V1__ADAPTER_OPTIONS__METHOD__METHOD_LORA
        case .dora: fields.pointee.method = SHOAL__V1__ADAPTER_OPTIONS__METHOD__METHOD_DORA
        }
        fields.pointee.rank = UInt32(rank)
        fields.pointee.alpha = alpha
        switch scaling {
        case .standard: fields.pointee.scaling = SHOAL__V1__ADAPTER_OPTIONS__SCALING__SCALING_STANDARD
        case .rankStabilised:
            fields.pointee.scaling = SHOAL__V1__ADAPTER_OPTIONS__SCALING__SCALING_RANK_STABILISED
        }
        fields.pointee.dropout = dropout
        switch targets {
        case .allLinear: fields.pointee.targets_all_linear = 1
        case .named(let names):
            fields.pointee.targets = arena.texts(names)
            fields.pointee.n_targets = names.count
        case .pattern(let pattern): fields.pointee.targets_pattern = arena.text(pattern)
        }
        switch exclusion {
        case .none: break
        case .named(let names):
            fields.pointee.excluded = arena.texts(names)
            fields.pointee.n_excluded = names.count
        case .pattern(let pattern): fields.pointee.excluded_pattern = arena.text(pattern)
        }
        packPatterns(into: fields, in: &arena)
        return fields
    }
}

extension AdapterOptions {
    private func packPatterns(
        into fields: UnsafeMutablePointer<Shoal__V1__AdapterOptions>, in arena: inout PackingArena
    ) {
        var ranks: [UnsafeMutablePointer<Shoal__V1__RankPattern>] = []
        for (pattern, rank) in rankPattern.sorted(by: { precedes($0.key, $1.key) }) {
            let entry = arena.message(shoal__v1__rank_pattern__init)
            entry.pointee.pattern = arena.text(pattern)
            entry.pointee.rank = UInt32(rank)
            ranks.append(entry)
        }
        var alphas: [UnsafeMutablePointer<Shoal__V1__AlphaPattern>] = []
        for (pattern, alpha) in alphaPattern.sorted(by: { precedes($0.key, $1.key) }) {
            let entry = arena.message(shoal__v1__alpha_pattern__init)
            entry.pointee.pattern = arena.text(pattern)
            entry.pointee.alpha = alpha
            alphas.append(entry)
        }
        fields.pointee.rank_patterns = arena.list(ranks)
        fields.pointee.n_rank_patterns = ranks.count
        fields.pointee.alpha_patterns = arena.list(alphas)
        fields.pointee.n_alpha_patterns = alphas.count
    }

    private func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

extension TrainingOptions {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__TrainingOptions> {
        let fields = arena.message(shoal__v1__training_options__init)
        fields.pointee.local_steps = UInt32(localSteps)
        fields.pointee.batch_size = UInt32(batchSize)
        fields.pointee.accumulation_steps = UInt32(accumulationSteps)
        fields.pointee.sequence_length = UInt32(sequenceLength)
        switch optimizer {
        case .adamw: fields.pointee.optimizer = SHOAL__V1__TRAINING_OPTIONS__OPTIMIZER__OPTIMIZER_ADAMW
        case .sgd: fields.pointee.optimizer = SHOAL__V1__TRAINING_OPTIONS__OPTIMIZER__OPTIMIZER_SGD
        }
        fields.pointee.learning_rate = learningRate
        switch schedule {
        case .constant: fields.pointee.schedule = SHOAL__V1__TRAINING_OPTIONS__SCHEDULE__SCHEDULE_CONSTANT
        case .linear: fields.pointee.schedule = SHOAL__V1__TRAINING_OPTIONS__SCHEDULE__SCHEDULE_LINEAR
        case .cosine: fields.pointee.schedule = SHOAL__V1__TRAINING_OPTIONS__SCHEDULE__SCHEDULE_COSINE
        }
        fields.pointee.warmup_steps = UInt32(warmupSteps)
        fields.pointee.total_steps = UInt32(totalSteps)
        fields.pointee.weight_decay = weightDecay
        fields.pointee.beta1 = beta1
        fields.pointee.beta2 = beta2
        fields.pointee.epsilon = epsilon
        fields.pointee.momentum = momentum
        fields.pointee.chat_template = ChatTemplateCoding.number(chatTemplate)
        fields.pointee.class_names = arena.texts(classNames)
        fields.pointee.n_class_names = classNames.count
        if let clipNorm {
            fields.pointee.clip_norm_presence_case = SHOAL__V1__TRAINING_OPTIONS__CLIP_NORM_PRESENCE_CLIP_NORM
            fields.pointee.clip_norm = clipNorm
        }
        if let localEpochs {
            fields.pointee.local_epochs_presence_case =
                SHOAL__V1__TRAINING_OPTIONS__LOCAL_EPOCHS_PRESENCE_LOCAL_EPOCHS
            fields.pointee.local_epochs = localEpochs
        }
        if let proximal {
            fields.pointee.proximal_presence_case = SHOAL__V1__TRAINING_OPTIONS__PROXIMAL_PRESENCE_PROXIMAL
            fields.pointee.proximal = proximal
        }
        fields.pointee.frozen_factor = FactorCoding.number(frozenFactor)
        fields.pointee.own_factor = FactorCoding.number(personal.ownFactor)
        fields.pointee.control_variate = personal.keepsControl ? 1 : 0
        fields.pointee.local_adapter = personal.hasLocalAdapter ? 1 : 0
        switch precision {
        case .float32: fields.pointee.precision = SHOAL__V1__TRAINING_OPTIONS__PRECISION__PRECISION_FLOAT32
        case .bfloat16: fields.pointee.precision = SHOAL__V1__TRAINING_OPTIONS__PRECISION__PRECISION_BFLOAT16
        }
        fields.pointee.recompute = recomputes ? 1 : 0
        fields.pointee.balance_classes = balancesClasses ? 1 : 0
        fields.pointee.prepack = prepacks ? 1 : 0
        if let exampleClip {
            fields.pointee.example_clip_presence_case =
                SHOAL__V1__TRAINING_OPTIONS__EXAMPLE_CLIP_PRESENCE_EXAMPLE_CLIP
            fields.pointee.example_clip = exampleClip
            fields.pointee.example_noise_multiplier = exampleNoiseMultiplier ?? 0
        }
        return fields
    }
}
