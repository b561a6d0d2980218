import Federation
import ModelFiles
import Recipe
import Testing
import Wire

/// The values that `Fixtures/wire/make_version1.py` encodes, by the same names.
enum SampleEnvelopes {
    static func all() throws -> [(name: String, envelope: Envelope)] {
        try messages().map { name, message in
            (
                name,
                Envelope(
                    id: 1 << 63 + 9, inReplyTo: 77, run: "run-0001", round: 3, attempt: 1, message: message)
            )
        }
    }

    static let lease: UInt64 = 1 << 40 + 5
    static let signature = bytes(from: 0x20, count: 64)

    static func bytes(from first: UInt8, count: Int) -> [UInt8] {
        (0..<count).map { first &+ UInt8(truncatingIfNeeded: $0) }
    }

    static func hash(from first: UInt8) throws -> ContentHash {
        try #require(ContentHash(bytes: bytes(from: first, count: 32)))
    }

    static func key(from first: UInt8) throws -> PublicKey {
        try #require(PublicKey(bytes: bytes(from: first, count: 32)))
    }

    private static func waitingHeartbeat() -> Heartbeat {
        var heartbeat = Heartbeat(phase: .training, lease: lease)
        heartbeat.waitsForSlot = true
        return heartbeat
    }

    private static func heartbeat(nextKeySignature: [UInt8]?) throws -> Heartbeat {
        var heartbeat = Heartbeat(phase: .idle)
        heartbeat.nextKey = NextKey(key: try key(from: 1), signature: nextKeySignature)
        return heartbeat
    }

    private static func messages() throws -> [(String, Message)] {
        try sessionMessages() + offers() + personalOffers() + transfers() + signedMessages()
    }

    private static func sessionMessages() throws -> [(String, Message)] {
        let north = try #require(WorkerName("clinic north-2"))
        let eden = try #require(CodecName("eden:bits=4,seed=1"))
        return [
            ("enrol", .enrol(Enrol(curveKey: try key(from: 1), signingKey: try key(from: 0x80)))),
            ("enrolled", .enrolled(Enrolled(worker: north))),
            (
                "hello",
                .hello(
                    Hello(
                        software: "shoal 0.1.0", features: ["resume", "mask"], codecs: [.dense, eden], cores: 16,
                        memoryBytes: 1 << 35, baseModel: try hash(from: 1)))
            ),
            (
                "hello without base model",
                .hello(
                    Hello(software: "shoal 0.1.0", features: [], codecs: [], cores: 1, memoryBytes: 1, baseModel: nil))
            ),
            ("hello that tells its speed", .hello(helloWithSpeed())),
            (
                "welcome",
                .welcome(
                    Welcome(
                        software: "shoal 0.1.0", features: ["resume"], worker: north, heartbeatMilliseconds: 5_000,
                        baseModel: try hash(from: 1), sequenceLength: 128))
            ),
            (
                "refused",
                .refused(
                    Refused(
                        code: .baseModelMismatch, reason: "the base model differs: naïve ≠ 素朴 🐟", isTemporary: true))
            ),
            ("heartbeat", .heartbeat(Heartbeat(phase: .training, lease: lease, step: 7, totalSteps: 10, loss: 2.5))),
            ("heartbeat without loss", .heartbeat(Heartbeat(phase: .idle))),
            ("heartbeat with loss zero", .heartbeat(Heartbeat(phase: .evaluating, loss: 0))),
            ("heartbeat of a task that waits for its machine", .heartbeat(waitingHeartbeat())),
            ("heartbeat with a known next key", .heartbeat(try heartbeat(nextKeySignature: nil))),
            (
                "heartbeat that announces a key",
                .heartbeat(try heartbeat(nextKeySignature: bytes(from: 1, count: 32) + bytes(from: 0x80, count: 32)))
            ),
            ("cancel", .cancel(Cancel(lease: lease, reason: "the round is full"))),
            ("goodbye", .goodbye(Goodbye(reason: "run finished", isRunFinished: true))),
        ]
    }

    private static func helloWithSpeed() -> Hello {
        var hello = Hello(
            software: "shoal 0.1.0", features: [], codecs: [], cores: 2, memoryBytes: 1 << 32, baseModel: nil)
        hello.gigaflops = 37.5
        return hello
    }

    private static func offerWithDecay() throws -> Offer {
        var offer = try plainOffer(.train)
        offer.uplink = try #require(CodecName("ternary:density=0.01"))
        offer.errorFeedback = true
        offer.residualDecay = 0.5
        return offer
    }

    private static func offerWithTurns() throws -> Offer {
        var offer = try plainOffer(.train)
        offer.uplink = try #require(CodecName("ternary:density=0.01"))
        offer.errorFeedback = true
        offer.residualTurns = 2
        return offer
    }

    private static func offerOfEpochs() throws -> Offer {
        var offer = try plainOffer(.train)
        offer.training.localEpochs = 0.5
        return offer
    }

    private static func offerWithCatchUp(frozen: [AdapterTensorName.Factor?] = []) throws -> Offer {
        var offer = try plainOffer(.evaluate)
        offer.catchUp = CatchUp(
            object: try hash(from: 0x40), base: try hash(from: 0x20), version: 12,
            codec: try #require(CodecName("eden:bits=4")))
        offer.catchUp?.frozenFactors = frozen
        return offer
    }

    private static func plainOffer(_ task: Offer.Task) throws -> Offer {
        Offer(
            lease: 1, task: task, leaseMilliseconds: 1, deadlineMilliseconds: nil, baseModel: try hash(from: 1),
            adapter: try hash(from: 0x80), adapterOptions: AdapterOptions(rank: 4, alpha: 8),
            training: TrainingOptions(
                localSteps: 1, batchSize: 1, sequenceLength: 64, optimizer: .sgd, learningRate: 0.1,
                schedule: .linear, momentum: 0.5, clipNorm: nil), uplink: .dense, seed: 1)
    }

    private static func offers() throws -> [(String, Message)] {
        [
            (
                "offer",
                .offer(
                    Offer(
                        lease: lease, task: .train, leaseMilliseconds: 30_000, deadlineMilliseconds: 600_000,
                        baseModel: try hash(from: 1), adapter: try hash(from: 0x80),
                        adapterOptions: AdapterOptions(
                            rank: 8, alpha: 16, scaling: .rankStabilised, dropout: 0.05,
                            targets: .named(["q_proj", "v_proj"])),
                        training: TrainingOptions(
                            localSteps: 10, batchSize: 8, accumulationSteps: 2, sequenceLength: 128, optimizer: .adamw,
                            learningRate: 3e-3, schedule: .cosine, warmupSteps: 5, totalSteps: 200, weightDecay: 0.01),
                        uplink: try #require(CodecName("eden:bits=4")), seed: 0xFEDC_BA98_7654_3210))
            ),
            (
                "offer to evaluate",
                .offer(
                    Offer(
                        lease: 1, task: .evaluate, leaseMilliseconds: 1, deadlineMilliseconds: nil,
                        baseModel: try hash(from: 1), adapter: try hash(from: 0x80),
                        adapterOptions: AdapterOptions(rank: 4, alpha: 8),
                        training: TrainingOptions(
                            localSteps: 1, batchSize: 1, sequenceLength: 64, optimizer: .sgd, learningRate: 0.1,
                            schedule: .linear, momentum: 0.5, clipNorm: nil),
                        uplink: .dense, seed: 1))
            ),
            (
                "offer with patterns",
                .offer(
                    Offer(
                        lease: 1, task: .train, leaseMilliseconds: 1, deadlineMilliseconds: nil,
                        baseModel: try hash(from: 1), adapter: try hash(from: 0x80),
                        adapterOptions: AdapterOptions(
                            method: .dora, rank: 4, alpha: 8, targets: .pattern(#".*\.[qv]_proj"#),
                            exclusion: .named(["layers.0.self_attn.q_proj", "lm_head"]),
                            rankPattern: ["v_proj": 2, "^model.*q_proj": 16], alphaPattern: ["q_proj": 0.5]),
                        training: TrainingOptions(
                            localSteps: 1, batchSize: 1, sequenceLength: 64, optimizer: .sgd, learningRate: 0.1,
                            schedule: .linear, momentum: 0.5, clipNorm: nil),
                        uplink: .dense, seed: 1))
            ),
            (
                "offer with an excluding pattern",
                .offer(
                    Offer(
                        lease: 1, task: .train, leaseMilliseconds: 1, deadlineMilliseconds: nil,
                        baseModel: try hash(from: 1), adapter: try hash(from: 0x80),
                        adapterOptions: AdapterOptions(rank: 4, alpha: 8, exclusion: .pattern(".*head")),
                        training: TrainingOptions(
                            localSteps: 1, batchSize: 1, sequenceLength: 64, optimizer: .sgd, learningRate: 0.1,
                            schedule: .linear, momentum: 0.5, clipNorm: nil),
                        uplink: .dense, seed: 1))
            ),
            (
                "offer with a proximal term and a frozen factor",
                .offer(
                    Offer(
                        lease: 1, task: .train, leaseMilliseconds: 1, deadlineMilliseconds: nil,
                        baseModel: try hash(from: 1), adapter: try hash(from: 0x80),
                        adapterOptions: AdapterOptions(rank: 4, alpha: 8),
                        training: TrainingOptions(
                            localSteps: 1, batchSize: 1, sequenceLength: 64, optimizer: .sgd, learningRate: 0.1,
                            schedule: .linear, momentum: 0.5, clipNorm: nil, proximal: 0.25, frozenFactor: .b),
                        uplink: .dense, seed: 1))
            ),
            (
                "offer with error feedback",
                .offer(
                    Offer(
                        lease: 1, task: .train, leaseMilliseconds: 1, deadlineMilliseconds: nil,
                        baseModel: try hash(from: 1), adapter: try hash(from: 0x80),
                        adapterOptions: AdapterOptions(rank: 4, alpha: 8),
                        training: TrainingOptions(
                            localSteps: 1, batchSize: 1, sequenceLength: 64, optimizer: .sgd, learningRate: 0.1,
                            schedule: .linear, momentum: 0.5, clipNorm: nil),
                        uplink: try #require(CodecName("ternary:density=0.01")), seed: 1, errorFeedback: true))
            ),
            (
                "offer with a residual",
                .offer(
                    Offer(
                        lease: 1, task: .train, leaseMilliseconds: 1, deadlineMilliseconds: nil,
                        baseModel: try hash(from: 1), adapter: try hash(from: 0x80),
                        adapterOptions: AdapterOptions(rank: 4, alpha: 8),
                        training: TrainingOptions(
                            localSteps: 1, batchSize: 1, sequenceLength: 64, optimizer: .sgd, learningRate: 0.1,
                            schedule: .linear, momentum: 0.5, clipNorm: nil),
                        uplink: .dense, seed: 1, residual: try hash(from: 1)))
            ),
            ("accept", .accept(Accept(lease: lease))),
            ("accept with credit for the adapter", .accept(Accept(lease: lease, adapterCredit: 1 << 22))),
            (
                "accept with credit for a catch-up",
                .accept(Accept(lease: lease, adapterCredit: 1 << 22, catchesUp: true))
            ),
            ("offer with a catch-up", .offer(try offerWithCatchUp())),
            ("offer with a residual that decays", .offer(try offerWithDecay())),
            ("offer with a catch-up of changes to one factor", .offer(try offerWithCatchUp(frozen: [.a, nil, .b]))),
            ("decline", .decline(Decline(lease: lease, reason: "policy: no training at night"))),
        ]
    }

    /// Offers that say what a worker keeps for itself.
    private static func personalOffers() throws -> [(String, Message)] {
        let plain = Offer(
            lease: 1, task: .train, leaseMilliseconds: 1, deadlineMilliseconds: nil, baseModel: try hash(from: 1),
            adapter: try hash(from: 0x80), adapterOptions: AdapterOptions(rank: 4, alpha: 8),
            training: TrainingOptions(
                localSteps: 1, batchSize: 1, sequenceLength: 64, optimizer: .sgd, learningRate: 0.1,
                schedule: .linear, momentum: 0.5, clipNorm: nil),
            uplink: .dense, seed: 1)
        var control = plain
        control.training.personal = PersonalOptions(keepsControl: true)
        control.control = try hash(from: 1)
        var own = plain
        own.training.personal = PersonalOptions(ownFactor: .b)
        var local = plain
        local.training.personal = PersonalOptions(hasLocalAdapter: true)
        var core = plain
        core.fixedFactors = try hash(from: 1)
        var noisy = plain
        noisy.privacy = UpdatePrivacy(clip: 0.5, noiseDeviation: 0.75, withholdsMetrics: true)
        var masked = plain
        masked.masking = UpdateMasking(
            clip: 0.25, levels: 127, weightLimit: 9, minimumCohort: 3, corruptFraction: 0.125, dropoutFraction: 0.25,
            parameterCount: 1 << 22)
        var shared = masked
        shared.privacy = UpdatePrivacy(clip: 0.5, withholdsMetrics: true)
        shared.masking?.weightLimit = 1
        shared.masking?.noise = .init(variance: 1.5e9, norm: 65_536.5, minimumHonest: 4)
        var examples = plain
        (examples.training.exampleClip, examples.training.exampleNoiseMultiplier) = (0.125, 1.5)
        var taken = plain
        taken.rolledBack = [RoundAttempt(round: 3, attempt: 1), RoundAttempt(round: 7, attempt: 2)]
        var balanced = plain
        balanced.training.classNames = ["no", "yes"]
        balanced.training.balancesClasses = true
        var packed = plain
        packed.training.prepacks = true
        return [
            ("offer that balances classes", .offer(balanced)),
            ("offer with packed weights", .offer(packed)),
            ("offer with parts that take turns", .offer(try offerWithTurns())),
            ("offer of passes over the text", .offer(try offerOfEpochs())),
            ("offer that takes attempts back", .offer(taken)),
            ("offer with a clip and noise", .offer(noisy)),
            ("offer with noise on single examples", .offer(examples)),
            ("offer with masks", .offer(masked)),
            ("offer with shared noise", .offer(shared)),
            ("offer with fixed factors", .offer(core)),
            ("offer with a control variate", .offer(control)), ("offer with an own factor", .offer(own)),
            ("offer with a local adapter", .offer(local)),
        ]
    }

    private static func transfers() throws -> [(String, Message)] {
        let object = try hash(from: 1)
        let update = try hash(from: 0x80)
        var clipped = UpdateCommit(
            lease: lease, object: update, trainingItems: 1, steps: 10, tokensTrained: nil, trainLoss: nil)
        clipped.isClipped = true
        var costly = UpdateCommit(
            lease: lease, object: update, trainingItems: 1, steps: 10, tokensTrained: nil, trainLoss: nil)
        costly.cost = TaskCost(seconds: 2.5, joules: 40, isMeasured: true)
        let perfect = UpdateCommit(
            lease: lease, object: update, trainingItems: 1, steps: 10, tokensTrained: nil, trainLoss: 0)
        return [
            ("update commit with a loss of 0", .updateCommit(perfect)),
            ("update commit of a clipped update", .updateCommit(clipped)),
            ("update commit with its cost", .updateCommit(costly)),
            ("object request", .objectRequest(ObjectRequest(object: object, offset: 1 << 33, length: 1 << 22))),
            ("object chunk", .objectChunk(ObjectChunk(object: object, offset: 1 << 33, totalBytes: 1 << 34))),
            (
                "update begin",
                .updateBegin(UpdateBegin(lease: lease, object: update, totalBytes: 9_763_216, codec: .dense))
            ),
            ("update chunk", .updateChunk(UpdateChunk(lease: lease, offset: 1 << 20))),
            (
                "update commit",
                .updateCommit(
                    UpdateCommit(
                        lease: lease, object: update, trainingItems: 321, steps: 10, tokensTrained: 81_920,
                        trainLoss: 1.25))
            ),
            (
                "update whole",
                .updateWhole(
                    UpdateCommit(
                        lease: lease, object: update, trainingItems: 321, steps: 10, tokensTrained: 81_920,
                        trainLoss: 1.25))
            ),
            ("update ack, more", .updateAck(UpdateAck(lease: lease, state: .receivedThrough(1 << 20)))),
            ("update ack, from the start", .updateAck(UpdateAck(lease: lease, state: .receivedThrough(0)))),
            ("update ack, committed", .updateAck(UpdateAck(lease: lease, state: .committed))),
            (
                "update ack, committed in a later round",
                .updateAck(UpdateAck(lease: lease, state: .committed, countsIn: 12))
            ),
            (
                "update ack, rejected",
                .updateAck(UpdateAck(lease: lease, state: .rejected(reason: "norm over the limit")))
            ),
            ("report", .report(Report(lease: lease, items: 12, lossSum: 34.5, squaredLossSum: 101.25))),
        ]
    }

    private static func signedMessages() throws -> [(String, Message)] {
        let head = try hash(from: 1)
        return [
            ("record head", .recordHead(RecordHead(head: head, signature: signature))),
            ("countersign", .countersign(Countersign(head: head, signature: signature))),
            ("mask step", .maskStep(MaskStep(lease: lease, step: .signatures))),
        ]
    }
}

extension Envelope {
    /// A payload size that fits the message.
    var samplePayloadBytes: Int? { message.takesPayload ? 4_096 : nil }
}
