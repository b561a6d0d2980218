internal import LanguageModel
public import ModelFiles
public import Randomness
internal import Recipe

/// Fed-SB's adapter: `ΔW = s · B R A` with A and B fixed, and a square core R that alone is trained and travels.
///
/// With both outer factors the same at every worker the mean of products is the product of the mean core, so averaging
/// is exact. A and B are the leading singular vectors of the base weight (as in LoRA-XS, arXiv:2405.17604, where the
/// paper takes those of a first gradient: a coordinator without text has none), R starts at zero. To everybody else it
/// is an ordinary adapter with the factors A and B·R.
///
/// - SeeAlso: Singhal et al. 2025 (arXiv:2502.15436).
public struct CoreAdapter: Sendable {
    /// Of the ordinary adapter.
    public let plan: AdapterPlan
    /// A and B by the plan's layout, `[plan.layout.parameterCount]`.
    public let fixed: [Float]
    /// What is trained: each layer's R, `[rank, rank]`, and modules that train whole.
    public let layout: AdapterLayout
    private let places: [Place]

    /// Where a core's values start in `layout`, for the plan's targets in order.
    private struct Place {
        let core: Int
        let rank: Int
        let outputs: Int
        let offsetB: Int
    }

    /// - Parameter fixed: From ``fixedFactors(_:weight:random:)``, here or at the coordinator.
    public init(plan: AdapterPlan, fixed: [Float]) throws(AdapterPlanError) {
        guard plan.options.method == .lora else {
            throw .shapeMismatch("fed-sb trains the core of a product without magnitudes; use adapter.method: lora")
        }
        guard fixed.count == plan.layout.parameterCount else {
            throw .shapeMismatch("\(fixed.count) fixed values for an adapter of \(plan.layout.parameterCount)")
        }
        var tensors = plan.targets.map { (Self.name($0.layer), [$0.rank, $0.rank]) }
        tensors += plan.saved.map { (SavedTensorName(parameter: $0.name).description, $0.shape) }
        let layout = AdapterLayout(tensors)
        var offsets: [String: Int] = [:]
        for entry in layout.entries { offsets[entry.name] = entry.offset }
        places = zip(plan.layers, plan.targets).compactMap { layer, target in
            offsets[Self.name(target.layer)].map {
                Place(core: $0, rank: target.rank, outputs: layer.outputs, offsetB: target.offsetB)
            }
        }
        self.plan = plan
        self.fixed = fixed
        self.layout = layout
    }

    /// PEFT has no such tensor: it never reaches a directory.
    private static func name(_ layer: String) -> String { "base_model.model.\(layer).lora_R.weight" }

    /// A, the leading right singular vectors of each layer's weight as rows, and B, the left ones as columns.
    ///
    /// - Parameters:
    ///   - weight: A layer's `[out, in]`.
    ///   - random: Where the search for the vectors starts: it decides no more than signs and rounding.
    /// - Returns: `[plan.layout.parameterCount]`; zero for modules that train whole.
    public static func fixedFactors(
        _ plan: AdapterPlan, weight: (_ layer: String) -> [Float], random: CounterRandom
    ) throws(AdapterPlanError) -> [Float] {
        try checkWidths(plan)
        var random = random
        var values = [Float](repeating: 0, count: plan.layout.parameterCount)
        for (layer, target) in zip(plan.layers, plan.targets) {
            let subspaces = LeadingSubspaces(
                of: weight(layer.name), rows: layer.outputs, columns: layer.inputs, rank: target.rank, random: &random)
            for row in 0..<target.rank {
                for column in 0..<layer.inputs {
                    values[target.offsetA + row * layer.inputs + column] =
                        Float(subspaces.right[column * target.rank + row])
                }
            }
            for index in 0..<layer.outputs * target.rank {
                values[target.offsetB + index] = Float(subspaces.left[index])
            }
        }
        return values
    }

    /// The layer that has the fewest singular vectors of those with too few is named: a rank that it has suits all.
    private static func checkWidths(_ plan: AdapterPlan) throws(AdapterPlanError) {
        let widths = plan.layers.map { min($0.inputs, $0.outputs) }
        let tooNarrow = plan.layers.indices.filter { plan.targets[$0].rank > widths[$0] }
        guard let worst = tooNarrow.min(by: { widths[$0] < widths[$1] }) else { return }
        throw .rankAboveWidth(
            layer: plan.layers[worst].name, rank: plan.targets[worst].rank, width: widths[worst])
    }

    /// Where a run starts: cores of zero, and modules that train whole as the ordinary adapter has them.
    /// - Parameter plain: A fresh adapter of the plan.
    public func initialValues(_ plain: [Float]) -> [Float] {
        var values = [Float](repeating: 0, count: layout.parameterCount)
        eachSaved { core, whole in values.replaceSubrange(core, with: plain[whole]) }
        return values
    }

    /// The ordinary adapter with the factors A and B·R, `[plan.layout.parameterCount]`.
    /// - Parameter core: `[layout.parameterCount]`
    public func expanded(_ core: [Float]) -> [Float] {
        precondition(core.count == layout.parameterCount, "\(core.count) values for \(layout.parameterCount)")
        var values = fixed
        for place in places {
            for output in 0..<place.outputs {
                let row = place.offsetB + output * place.rank
                for column in 0..<place.rank {
                    var sum: Float = 0
                    for inner in 0..<place.rank {
                        sum += fixed[row + inner] * core[place.core + inner * place.rank + column]
                    }
                    values[row + column] = sum
                }
            }
        }
        eachSaved { part, whole in values.replaceSubrange(whole, with: core[part]) }
        return values
    }

    /// The gradient by the core, `dR = Bᵀ d(B·R)`, `[layout.parameterCount]`.
    /// - Parameter gradient: By the ordinary adapter's values, `[plan.layout.parameterCount]`.
    public func pulledBack(_ gradient: [Float]) -> [Float] {
        precondition(gradient.count == fixed.count, "\(gradient.count) values for \(fixed.count)")
        var values = [Float](repeating: 0, count: layout.parameterCount)
        for place in places {
            for output in 0..<place.outputs {
                let row = place.offsetB + output * place.rank
                for inner in 0..<place.rank {
                    let factor = fixed[row + inner]
                    let target = place.core + inner * place.rank
                    for column in 0..<place.rank { values[target + column] += factor * gradient[row + column] }
                }
            }
        }
        eachSaved { part, whole in values.replaceSubrange(part, with: gradient[whole]) }
        return values
    }

    /// Modules that train whole: their places in ``layout`` and in the plan's.
    private func eachSaved(_ body: (_ core: Range<Int>, _ whole: Range<Int>) -> Void) {
        for tensor in plan.saved {
            guard let entry = layout[SavedTensorName(parameter: tensor.name).description] else { continue }
            body(entry.range, tensor.offset..<tensor.offset + entry.count)
        }
    }
}
