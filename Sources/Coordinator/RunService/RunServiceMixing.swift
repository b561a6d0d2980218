import Federation
import ModelFiles
import Randomness
import Recipe

/// What a run knows of its workers' ranks.
struct RankAssignments {
    /// From the ledger: a worker keeps its rank for the whole run.
    var ranks: [WorkerName: Int]
    /// The current adapter as workers of a lower rank get it.
    var adapters: [Int: GlobalAdapter] = [:]
    /// Layers with places and scales, by rank.
    var factors: [Int: AdapterFactors] = [:]
}

// MARK: - Ranks
extension RunService {
    /// The rank of a worker's adapter; without one yet, the run's own.
    func rank(of worker: WorkerName) -> Int {
        assignments.ranks[worker] ?? settings.ranks.largest
    }

    /// Gives workers that have none their rank, in name order, before any of them gets an offer.
    func assignRanks(to workers: [WorkerName]) throws {
        guard settings.ranks.areMixed else { return }
        for worker in workers.sorted() where assignments.ranks[worker] == nil {
            let rank = settings.ranks.rank(
                place: assignments.ranks.count, cores: sessions[worker]?.cores ?? 1,
                memoryBytes: sessions[worker]?.memoryBytes ?? 0, gigaflops: sessions[worker]?.gigaflops ?? 0)
            try ledger.record(rank: rank, of: worker)
            assignments.ranks[worker] = rank
        }
    }

    func layout(rank: Int) -> AdapterLayout {
        rank == settings.ranks.largest ? layout : layout.limited(toRank: rank)
    }

    /// Layers with places and scales of an adapter of this rank.
    func factors(rank: Int) throws -> AdapterFactors {
        if let known = assignments.factors[rank] { return known }
        let made = try AdapterFactors(layout(rank: rank), adapterConfiguration.limited(toRank: rank))
        assignments.factors[rank] = made
        return made
    }

    /// The current adapter as a worker of this rank gets it.
    func adapter(rank: Int) throws -> GlobalAdapter {
        guard rank < settings.ranks.largest else { return adapter }
        if let known = assignments.adapters[rank], known.version == adapter.version { return known }
        let values = try factors(rank: settings.ranks.largest).slice(adapter.values, for: try factors(rank: rank))
        let made = GlobalAdapter(
            version: adapter.version, values: values, layout: layout(rank: rank), residual: adapter.residual)
        assignments.adapters[rank] = made
        return made
    }

    /// What a round trains, and what a worker's update holds.
    func part(round: Int, of worker: WorkerName) -> AdapterPart {
        settings.aggregation.part(of: layout(rank: rank(of: worker)), round: round)
    }

    /// Values in a worker's update of the round.
    func updateCount(round: Int, of worker: WorkerName) -> Int {
        settings.strategy.updateCount(parameterCount: part(round: round, of: worker).count)
    }

    /// What all updates so far would have been as float32, each of its worker's rank. Unit: bytes.
    func denseUplinkBytes(updates: Int) throws -> UInt64 {
        guard settings.ranks.areMixed else { return 4 * UInt64(layout.parameterCount) * UInt64(updates) }
        return try ledger.updateCounts().reduce(0) { sum, entry in
            sum + 4 * UInt64(layout(rank: rank(of: entry.key)).parameterCount) * UInt64(entry.value)
        }
    }

    /// The current adapter as workers of a lower rank get it.
    func smallerAdapter(_ object: ContentHash) -> GlobalAdapter? {
        assignments.adapters.values.first { $0.object == object && $0.version == adapter.version }
    }
}

// MARK: - Aggregation of products
extension RunService {
    /// The next adapter where factors of different workers are mixed.
    func mixed(_ updates: [UpdateRecord], _ plan: RoundPlan) throws -> MixingStep.Outcome {
        var step = MixingStep(
            settings.aggregation, global: adapter.values, factors: try factors(rank: settings.ranks.largest))
        for update in updates {
            let values = try decode(try store.read(update.object), from: update.worker, plan)
            let report = update.report(weight: settings.weightCap.weight(trainingItems: update.items))
            step.add(values, of: try factors(rank: rank(of: update.worker)), from: report)
        }
        let key = StreamKey(
            seed: plan.seed, round: plan.round, attempt: plan.attempt, purpose: .adapterInitialisation)
        return try step.finish(
            residual: adapter.residual?.value, residualRank: settings.residualRank, random: key.generator())
    }
}

/// A residual in the forms that publication and offers need.
struct PublishedResidual {
    let object: ContentHash
    let bytes: [UInt8]
    let value: AdapterResidual

    init(_ value: AdapterResidual) {
        self.value = value
        bytes = value.encoded()
        object = ContentHash(of: bytes)
    }

    init(_ object: ContentHash, store: BlobStore) throws {
        self.object = object
        bytes = try store.read(object)
        value = try AdapterResidual(decoding: bytes)
    }
}
