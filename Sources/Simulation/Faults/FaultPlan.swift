internal import Federation
internal import Randomness
internal import SecureAggregation

/// What one schedule of a fault simulation does, drawn from its seed: the run, and everything that goes wrong in it.
package struct FaultPlan: Sendable {
    /// A worker's link that says nothing, or is slow, for a while. Unit of times: virtual seconds.
    struct LinkTrouble: Sendable {
        let worker: Int
        let from: Double
        let until: Double
        let faults: LinkFaults
    }

    /// When a machine goes down beside those that go down in the middle of a write. Unit: virtual seconds.
    struct TimedCrash: Sendable {
        /// `nil`: all machines at once.
        let machine: Int?
        let at: Double
        let kind: DiskFaults.Crash
    }

    /// What kind of rounds a schedule's run has.
    enum Kind: Sendable {
        case plain
        /// SCAFFOLD: workers keep control variates, and their updates carry the change.
        case controlled
        /// Updates are summed under masks.
        case masked
        /// The same, and workers share the noise of their sum.
        case maskedNoise
        /// Secret coins choose the workers, and the coordinator adds noise to their sum.
        case noised
        /// Each worker at its own pace, a version every few updates.
        case buffered

        /// Every eighth schedule is masked, every other of these with noise; every sixteenth is buffered, and every
        /// sixteenth keeps control variates; every 32nd is noised, for what a round costs takes a while to compute.
        init(seed: UInt64) {
            switch (seed % 8, seed % 16, seed % 32) {
            case (_, 12, _): self = .maskedNoise
            case (4, _, _): self = .masked
            case (_, 7, _): self = .buffered
            case (_, 9, _): self = .controlled
            case (_, _, 2): self = .noised
            default: self = .plain
            }
        }
    }

    package let seed: UInt64
    let kind: Kind
    let workers: Int
    let rounds: Int
    let workersPerRound: Int
    let minimumWorkers: Int
    let workersAsked: Int
    /// Unit: seconds.
    let deadlineSeconds: Double?
    let codec: CodecName
    let keepsResiduals: Bool
    /// What changes of the adapter travel down as.
    let downlink: CodecName
    let hasMomentum: Bool
    let hasGate: Bool
    /// Whether workers lack the base model.
    let downloadsModel: Bool
    /// Whether the coordinator's folder is empty at first.
    let startsBlank: Bool
    /// Whether workers come with invitations; otherwise their keys are known.
    let invitesWorkers: Bool
    /// Of updates; a small one is sent whole. Unit: bytes.
    let chunkBytes: Int
    /// Unit: virtual seconds a step.
    let secondsPerStep: Double
    /// How often a run's budget pays for noise, or each worker's own for its share. A crash may pay twice for one round.
    let paidReleases: Int
    /// How far behind an update of a buffered run may be. Unit: versions.
    let maximumStaleness: Int

    let link: LinkFaults
    let troubles: [LinkTrouble]
    let diskFailure: Double
    let shortWrite: Double
    /// How many times each machine goes down in the middle of a write, at most; the coordinator's first.
    let crashes: [Int]
    let timedCrashes: [TimedCrash]
    /// After sending so many acknowledgements, the coordinator's machine goes down at once.
    let crashAfterAcknowledgement: Int?
    /// When everything that goes wrong has gone wrong. Unit: virtual seconds.
    let calmSeconds: Double
    package var plantedBugs: Set<PlantedBug> = []

    package init(seed: UInt64) {
        self.seed = seed
        var random = StreamKey(seed: seed, worker: "plan", purpose: .faults).generator()
        func chance(_ probability: Double) -> Bool { random.uniformDouble() < probability }
        func between(_ low: Double, _ high: Double) -> Double { low + (high - low) * random.uniformDouble() }
        kind = Kind(seed: seed)
        let isMasked = kind == .masked || kind == .maskedNoise
        let isOpen = kind == .plain || kind == .controlled
        let drawn = 2 + random.index(below: 3)
        let workers = isMasked ? FaultTemplate.workersMax : drawn
        self.workers = workers
        rounds = 1 + random.index(below: 3)
        let perRound = 1 + random.index(below: workers)
        workersPerRound =
            switch kind {
            case .plain, .controlled, .buffered: perRound
            case .masked, .maskedNoise: max(FaultSchedule.masking.minimumCohort, perRound)
            // One sampling rate, for noise is planned for each.
            case .noised: 2
            }
        let minimum = 1 + random.index(below: workersPerRound)
        minimumWorkers = isMasked ? FaultSchedule.masking.minimumCohort : minimum
        let asksMore = chance(0.3)
        workersAsked = min(workers, workersPerRound + (asksMore && isOpen ? 1 : 0))
        let deadline: Double? = chance(0.4) ? between(3, 30) : nil
        deadlineSeconds =
            switch kind {
            case .plain, .controlled, .masked, .maskedNoise: deadline
            case .noised: deadline ?? 3
            case .buffered: nil
            }
        let codecs: [(String, Bool)] = [
            ("dense", false), ("topk:density=0.3", true), ("ternary:density=0.3", true), ("bfloat16", true),
        ]
        let choice = codecs[random.index(below: codecs.count)]
        let isLossy = isOpen || kind == .buffered
        codec = isLossy ? CodecName(choice.0) ?? .dense : .dense
        keepsResiduals = choice.1 && isLossy
        hasMomentum = chance(0.3) && kind != .controlled
        hasGate = chance(0.3) && (isOpen || kind == .masked)
        downloadsModel = chance(0.1)
        let isBlank = chance(0.1)
        chunkBytes = chance(0.5) ? 16 : 4_096
        secondsPerStep = chance(0.5) ? 0 : between(0.1, 3)
        let calm = between(5, 45)
        calmSeconds = calm

        let delay = between(0.001, 0.5)
        link = LinkFaults(
            loss: chance(0.5) ? between(0, 0.25) : 0, duplication: chance(0.5) ? between(0, 0.3) : 0,
            // One delay for all: messages, and their doubles, arrive together.
            delaySeconds: 0.001...(chance(0.5) ? delay : 0.001))
        troubles = (0..<random.index(below: 3)).map { _ in
            let from = between(0, calm)
            let isCut = chance(0.7)
            return LinkTrouble(
                worker: random.index(below: workers), from: from, until: min(calm, from + between(1, 20)),
                faults: isCut ? LinkFaults(loss: 1) : LinkFaults(loss: 0.05, delaySeconds: 0.5...4))
        }
        diskFailure = chance(0.3) ? between(0, 0.01) : 0
        shortWrite = chance(0.3) ? between(0, 0.1) : 0
        let isDiskTroubled = chance(0.8)
        crashes = (0...workers).map { machine in
            isDiskTroubled && chance(machine == 0 ? 0.8 : 0.4) ? 1 + random.index(below: 3) : 0
        }
        timedCrashes = (0..<random.index(below: 3)).map { _ in
            TimedCrash(
                machine: chance(0.3) ? nil : random.index(below: workers + 1), at: between(0, calm),
                kind: chance(0.5) ? .kill : .powerCut)
        }
        crashAfterAcknowledgement = chance(0.3) ? 1 + random.index(below: 4) : nil
        paidReleases = rounds + random.index(below: 3)
        maximumStaleness = random.index(below: 3)
        let downlinks = ["dense", "dense", "bfloat16", "eden:bits=8"]
        let down = downlinks[random.index(below: downlinks.count)]
        downlink = isLossy ? CodecName(down) ?? .dense : .dense
        invitesWorkers = chance(0.1) && (isLossy || kind == .masked)
        startsBlank = isBlank || invitesWorkers
    }
}

// MARK: - What follows from the kind
extension FaultPlan {
    /// How many updates a published round may have.
    var updatesOfRound: ClosedRange<Int> {
        switch kind {
        case .plain, .controlled: minimumWorkers...workersPerRound
        // Who answers while another one takes its place has a place under masks, too.
        case .masked, .maskedNoise: minimumWorkers...workers
        case .noised: 0...workers
        case .buffered: workersPerRound...workersPerRound
        }
    }

    /// Whether all workers of a round count alike, whatever the size of their data.
    var weighsAlike: Bool {
        switch kind {
        case .controlled, .noised, .maskedNoise: true
        case .plain, .masked, .buffered: false
        }
    }

    var isMasked: Bool { kind == .masked || kind == .maskedNoise }
    /// Whether each worker's own budget pays for a part of the noise.
    var isPaidByWorker: Bool { kind == .maskedNoise }

    var masking: MaskingOptions {
        var options = FaultSchedule.masking
        // Shared noise hides one worker: none may weigh more than another.
        if kind == .maskedNoise { options.weightLimit = 1 }
        return options
    }

    /// What budget there is; `nil`: none.
    ///
    /// The coordinator's pays for ``paidReleases`` and for nothing beyond. A worker's own is planned for as many, and what
    /// ``KnownTrainer`` gives lies within the clip of those.
    var privacy: PrivacyOptions? {
        get throws {
            switch kind {
            case .plain, .controlled, .masked, .buffered: return nil
            case .maskedNoise:
                return PrivacyOptions(
                    mechanism: .distributed, epsilon: try FaultTemplate.sharedEpsilon(rounds: paidReleases),
                    delta: 1e-5,
                    noiseMultiplier: FaultTemplate.sharedNoise, clip: FaultTemplate.sharedClip,
                    workers: FaultTemplate.workersMax, expectedWorkers: workersPerRound, plannedRounds: paidReleases)
            case .noised: break
            }
            var options = PrivacyOptions(
                mechanism: .central, epsilon: 8, delta: 1e-5, clip: 1.5, workers: FaultTemplate.workersMax,
                expectedWorkers: workersPerRound, plannedRounds: paidReleases)
            options.noiseMultiplier = try options.plannedNoiseMultiplier()
            return options
        }
    }
}
