public import LanguageModel
public import ModelFiles
public import Recipe

/// Two adapters of one plan as a single one of twice the rank: `B₁A₁ + B₂A₂ = [B₁ B₂]·[A₁; A₂]`.
///
/// So a worker's local adapter lies beside the run's in an ordinary PEFT adapter, which every tool loads. Its alpha is
/// larger by as much as the rank's share of the scale shrinks, so that both products keep the plan's scale.
public struct StackedAdapter: Sendable {
    /// Of twice the rank.
    public let plan: AdapterPlan
    private let single: AdapterPlan

    /// - Parameters:
    ///   - single: The plan that both adapters have; without magnitudes (DoRA), which belong to one product alone.
    ///   - model: Gives the plan of twice the rank.
    public init(
        of single: AdapterPlan, model: (AdapterOptions) throws(AdapterPlanError) -> AdapterPlan
    ) throws(AdapterPlanError) {
        guard single.options.method == .lora else {
            throw .shapeMismatch(
                "an adapter with magnitudes (dora) cannot stand beside another; use adapter.method: lora")
        }
        var options = single.options
        let factor = options.scaling == .standard ? 2 : 2.squareRoot()
        options.rank *= 2
        options.alpha *= factor
        options.rankPattern = options.rankPattern.mapValues { 2 * $0 }
        options.alphaPattern = options.alphaPattern.mapValues { factor * $0 }
        self.single = single
        plan = try model(options)
    }

    /// What of the stacked vector is the second adapter: rows from r on of each A, columns from r on of each B.
    public var localPart: AdapterPart {
        var ranges: [Range<Int>] = []
        for (layer, target) in zip(plan.layers, plan.targets) {
            let rank = target.rank / 2
            let second = target.offsetA + rank * layer.inputs
            ranges.append(second..<second + rank * layer.inputs)
            for row in 0..<layer.outputs {
                let start = target.offsetB + row * target.rank + rank
                ranges.append(start..<start + rank)
            }
        }
        return AdapterPart(
            ranges: ranges.sorted { $0.lowerBound < $1.lowerBound }, parameterCount: plan.layout.parameterCount)
    }

    /// - Parameters:
    ///   - global: The first adapter, `[parameterCount]` of the single plan; modules that train whole are its.
    ///   - local: The second one, of the same layout.
    public func adapter(global: [Float], local: [Float]) -> LowRankAdapter {
        var values = [Float](repeating: 0, count: plan.layout.parameterCount)
        for (place, source) in places {
            let vector = source.isLocal ? local : global
            values.replaceSubrange(place..<place + source.count, with: vector[source.range])
        }
        for (wide, narrow) in zip(plan.saved, single.saved) {
            let count = narrow.shape.reduce(1, *)
            values.replaceSubrange(
                wide.offset..<wide.offset + count, with: global[narrow.offset..<narrow.offset + count])
        }
        return plan.adapter(values: values)
    }

    /// The second adapter of a stacked vector; zero for modules that train whole.
    public func local(of stacked: [Float]) -> [Float] {
        var local = [Float](repeating: 0, count: single.layout.parameterCount)
        for (place, source) in places where source.isLocal {
            local.replaceSubrange(source.range, with: stacked[place..<place + source.count])
        }
        return local
    }

    private struct Source {
        let isLocal: Bool
        let start: Int
        let count: Int

        var range: Range<Int> { start..<start + count }
    }

    /// Where each run of a stacked vector's values comes from.
    private var places: [(place: Int, source: Source)] {
        var places: [(Int, Source)] = []
        for (layer, (wide, narrow)) in zip(plan.layers, zip(plan.targets, single.targets)) {
            let (rank, inputs) = (narrow.rank, layer.inputs)
            for isLocal in [false, true] {
                let shift = isLocal ? rank : 0
                places.append(
                    (
                        wide.offsetA + shift * inputs,
                        Source(isLocal: isLocal, start: narrow.offsetA, count: rank * inputs)
                    ))
                for row in 0..<layer.outputs {
                    places.append(
                        (
                            wide.offsetB + row * wide.rank + shift,
                            Source(isLocal: isLocal, start: narrow.offsetB + row * rank, count: rank)
                        ))
                }
            }
        }
        return places
    }
}
