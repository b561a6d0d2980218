import CWire
import Federation
import ModelFiles
import Recipe

extension Offer {
    init(_ fields: Shoal__V1__Offer) throws(WireError) {
        let task: Task
        switch fields.task {
        case SHOAL__V1__OFFER__TASK__TASK_TRAIN: task = .train
        case SHOAL__V1__OFFER__TASK__TASK_EVALUATE: task = .evaluate
        default: throw unknownValue(fields.task.rawValue, "offer.task")
        }
        guard fields.lease != 0 else { throw .malformed("offer.lease is 0") }
        let hasDeadline = fields.deadline_presence_case == SHOAL__V1__OFFER__DEADLINE_PRESENCE_DEADLINE_MILLISECONDS
        self.init(
            lease: fields.lease, task: task,
            leaseMilliseconds: try wireCount(fields.lease_milliseconds, "offer.leaseMilliseconds", atLeast: 1),
            deadlineMilliseconds: hasDeadline ? fields.deadline_milliseconds : nil,
            baseModel: try wireHash(fields.base_model, "offer.baseModel"),
            adapter: try wireHash(fields.adapter, "offer.adapter"),
            adapterOptions: try AdapterOptions(try present(fields.adapter_options, "offer.adapterOptions")),
            training: try TrainingOptions(try present(fields.training, "offer.training")),
            uplink: try wireCodec(fields.uplink, "offer.uplink"), seed: fields.seed,
            errorFeedback: fields.error_feedback != 0,
            residual: fields.residual.len == 0 ? nil : try wireHash(fields.residual, "offer.residual"))
        if fields.residual_decay_presence_case == SHOAL__V1__OFFER__RESIDUAL_DECAY_PRESENCE_RESIDUAL_DECAY {
            residualDecay = try wireFinite(fields.residual_decay, "offer.residualDecay", in: 0...1)
        }
        residualTurns = max(1, Int(fields.residual_turns))
        if fields.control_presence_case == SHOAL__V1__OFFER__CONTROL_PRESENCE_CONTROL {
            control = try wireHash(fields.control, "offer.control")
        }
        if fields.fixed_factors_presence_case == SHOAL__V1__OFFER__FIXED_FACTORS_PRESENCE_FIXED_FACTORS {
            fixedFactors = try wireHash(fields.fixed_factors, "offer.fixedFactors")
        }
        catchUp = try fields.catch_up.map { (fields) throws(WireError) in try CatchUp(fields.pointee) }
        privacy = try Self.privacy(fields)
        masking = try fields.masking.map { (fields) throws(WireError) in try UpdateMasking(fields.pointee) }
        rolledBack = try wireEntries(fields.rolled_back, count: fields.n_rolled_back, "offer.rolledBack") { entry in
            RoundAttempt(round: entry.round, attempt: entry.attempt)
        }
    }

    private static func privacy(_ fields: Shoal__V1__Offer) throws(WireError) -> UpdatePrivacy? {
        var privacy = UpdatePrivacy(
            noiseDeviation: try wireFinite(
                fields.noise_deviation, "offer.noiseDeviation", in: 0...Double.greatestFiniteMagnitude),
            withholdsMetrics: fields.withhold_metrics != 0)
        if fields.clip_presence_case == SHOAL__V1__OFFER__CLIP_PRESENCE_CLIP {
            privacy.clip = try wireFinite(fields.clip, "offer.clip")
            guard fields.clip > 0 else { throw .malformed("offer.clip is not above 0") }
        }
        guard privacy.noiseDeviation == 0 || privacy.clip != nil else {
            throw .malformed("offer.noiseDeviation stands without offer.clip")
        }
        return privacy == UpdatePrivacy() ? nil : privacy
    }
}

extension CatchUp {
    fileprivate init(_ fields: Shoal__V1__CatchUp) throws(WireError) {
        self.init(
            object: try wireHash(fields.object, "catchUp.object"), base: try wireHash(fields.start, "catchUp.start"),
            version: Int(fields.version), codec: try wireCodec(fields.codec, "catchUp.codec"))
        guard fields.n_frozen_factors <= AdapterChanges.countMax else {
            throw .malformed("catchUp.frozenFactors has \(fields.n_frozen_factors) entries")
        }
        for index in 0..<fields.n_frozen_factors {
            frozenFactors.append(try FactorCoding.factor(fields.frozen_factors[index], "catchUp.frozenFactors"))
        }
    }
}

extension TrainingOptions {
    fileprivate init(_ fields: Shoal__V1__TrainingOptions) throws(WireError) {
        let optimizer: Optimizer
        switch fields.optimizer {
        case SHOAL__V1__TRAINING_OPTIONS__OPTIMIZER__OPTIMIZER_ADAMW: optimizer = .adamw
        case SHOAL__V1__TRAINING_OPTIONS__OPTIMIZER__OPTIMIZER_SGD: optimizer = .sgd
        default: throw unknownValue(fields.optimizer.rawValue, "training.optimizer")
        }
        let schedule: Schedule
        switch fields.schedule {
        case SHOAL__V1__TRAINING_OPTIONS__SCHEDULE__SCHEDULE_CONSTANT: schedule = .constant
        case SHOAL__V1__TRAINING_OPTIONS__SCHEDULE__SCHEDULE_LINEAR: schedule = .linear
        case SHOAL__V1__TRAINING_OPTIONS__SCHEDULE__SCHEDULE_COSINE: schedule = .cosine
        default: throw unknownValue(fields.schedule.rawValue, "training.schedule")
        }
        let precision: Precision
        switch fields.precision {
        case SHOAL__V1__TRAINING_OPTIONS__PRECISION__PRECISION_FLOAT32: precision = .float32
        case SHOAL__V1__TRAINING_OPTIONS__PRECISION__PRECISION_BFLOAT16: precision = .bfloat16
        default: throw unknownValue(fields.precision.rawValue, "training.precision")
        }
        var clipNorm: Double?
        if fields.clip_norm_presence_case == SHOAL__V1__TRAINING_OPTIONS__CLIP_NORM_PRESENCE_CLIP_NORM {
            clipNorm = try wireFinite(fields.clip_norm, "training.clipNorm", in: .positive)
        }
        var localEpochs: Double?
        if fields.local_epochs_presence_case == SHOAL__V1__TRAINING_OPTIONS__LOCAL_EPOCHS_PRESENCE_LOCAL_EPOCHS {
            localEpochs = try wireFinite(fields.local_epochs, "training.localEpochs", in: .positive)
        }
        var proximal: Double?
        if fields.proximal_presence_case == SHOAL__V1__TRAINING_OPTIONS__PROXIMAL_PRESENCE_PROXIMAL {
            proximal = try wireFinite(fields.proximal, "training.proximal", in: .positive)
        }
        self.init(
            localSteps: Int(try wireCount(fields.local_steps, "training.localSteps", atLeast: 1)),
            batchSize: Int(try wireCount(fields.batch_size, "training.batchSize", atLeast: 1)),
            accumulationSteps: Int(try wireCount(fields.accumulation_steps, "training.accumulationSteps", atLeast: 1)),
            sequenceLength: Int(try wireCount(fields.sequence_length, "training.sequenceLength", atLeast: 1)),
            optimizer: optimizer,
            learningRate: try wireFinite(fields.learning_rate, "training.learningRate", in: .positive),
            schedule: schedule, warmupSteps: Int(fields.warmup_steps), totalSteps: Int(fields.total_steps),
            weightDecay: try wireFinite(fields.weight_decay, "training.weightDecay", in: .nonNegative),
            beta1: try wireFinite(fields.beta1, "training.beta1", in: .fraction),
            beta2: try wireFinite(fields.beta2, "training.beta2", in: .fraction),
            epsilon: try wireFinite(fields.epsilon, "training.epsilon", in: .positive),
            momentum: try wireFinite(fields.momentum, "training.momentum", in: .fraction), clipNorm: clipNorm,
            precision: precision,
            recomputes: fields.recompute != 0, prepacks: fields.prepack != 0, proximal: proximal,
            frozenFactor: try FactorCoding.factor(fields.frozen_factor, "training.frozenFactor"),
            chatTemplate: try ChatTemplateCoding.name(fields.chat_template), classNames: try Self.classNames(fields),
            balancesClasses: fields.balance_classes != 0)
        self.localEpochs = localEpochs
        if fields.example_clip_presence_case == SHOAL__V1__TRAINING_OPTIONS__EXAMPLE_CLIP_PRESENCE_EXAMPLE_CLIP {
            exampleClip = try wireFinite(fields.example_clip, "training.exampleClip")
            guard fields.example_clip > 0 else { throw .malformed("training.exampleClip is not above 0") }
            exampleNoiseMultiplier = try wireFinite(
                fields.example_noise_multiplier, "training.exampleNoiseMultiplier",
                in: SampledGaussian.leastNoiseMultiplier...1e6)
        }
        personal = PersonalOptions(
            ownFactor: try FactorCoding.factor(fields.own_factor, "training.ownFactor"),
            keepsControl: fields.control_variate != 0, hasLocalAdapter: fields.local_adapter != 0)
        guard frozenFactor == nil || personal.ownFactor == nil else {
            throw .malformed("training.ownFactor stands beside training.frozenFactor")
        }
    }

    private static func classNames(_ fields: Shoal__V1__TrainingOptions) throws(WireError) -> [String] {
        let names = try wireTexts(
            fields.class_names, count: fields.n_class_names, "training.classNames", limit: WireLimits.nameBytes,
            countLimit: WireLimits.classCount)
        guard names.count != 1, Set(names).count == names.count else {
            throw .malformed("training.classNames is a single name, or one twice")
        }
        return names
    }
}
