internal import CKernels

/// A chain of robust rules at work on one round's updates.
///
/// Two passes over the updates at most: one for their scalar products, from which pre-aggregations and the rules that
/// choose or weigh whole updates follow, and one that forms the result, value by value where the rule sorts values.
public struct RobustAggregation: Sendable {
    private let options: RobustOptions

    public init(_ options: RobustOptions) {
        self.options = options
    }

    /// - Parameter updates: Each `[parameterCount]`, float32, finite; in worker-name order, which breaks ties.
    /// - Returns: `[parameterCount]`
    /// - Throws: ``AggregationError/noUpdates``, ``AggregationError/tooFewUpdates(rule:f:needed:actual:)``.
    public func aggregate(_ updates: [[Float]]) throws(AggregationError) -> [Float] {
        guard !updates.isEmpty else { throw .noUpdates }
        let chain = options.chain
        let needed = chain.minimumUpdates(f: options.f)
        guard updates.count >= needed.count else {
            throw .tooFewUpdates(rule: needed.rule, f: options.f, needed: needed.count, actual: updates.count)
        }
        let tiles = UpdateTiles(updates)
        guard tiles.columns > 0 else { return [] }
        var mixture: Mixture?
        var gram = GramMatrix(count: 0, products: [])
        if chain.rules.contains(where: \.needsProducts) { gram = GramMatrix(of: tiles) }
        for rule in chain.rules.dropLast() {
            let next = self.mixture(rule, gram)
            mixture = mixture.map(next.after) ?? next
            gram = gram.mixed(by: next)
        }
        let f = options.f
        switch chain.rules[chain.rules.count - 1] {
        case .normBound, .arc, .nnm: preconditionFailure("no chain ends with \(chain)")
        case .median: return sort(tiles, mixture, all(updates), CoordinateMedian.combine)
        case .trimmedMean: return sort(tiles, mixture, all(updates)) { TrimmedMean.combine($0, f: f) }
        case .bulyan: return sort(tiles, mixture, Bulyan.choices(gram, f: f)) { Bulyan.combine($0, f: f) }
        case .mean: return sum(tiles, mixture, Self.mean(of: all(updates), count: updates.count))
        case .krum: return sum(tiles, mixture, Self.mean(of: [Krum.choice(gram, f: f)], count: updates.count))
        case .multiKrum: return sum(tiles, mixture, Self.mean(of: Krum.choices(gram, f: f), count: updates.count))
        case .geometricMedian: return sum(tiles, mixture, GeometricMedian.weights(gram))
        case .centredClipping: return sum(tiles, mixture, CentredClipping.weights(gram, radius: options.norm))
        }
    }

    private func mixture(_ rule: RobustRule, _ gram: GramMatrix) -> Mixture {
        switch rule {
        case .normBound: Mixture(scaling: NormBound.factors(gram, bound: options.norm))
        case .arc: Mixture(scaling: AdaptiveClipping.factors(gram, f: options.f))
        case .nnm: NearestNeighbourMixing.mixture(gram, f: options.f)
        case .mean, .median, .trimmedMean, .krum, .multiKrum, .bulyan, .geometricMedian, .centredClipping:
            preconditionFailure("\(rule) is no pre-aggregation")
        }
    }

    private func all(_ updates: [[Float]]) -> [Int] { Array(updates.indices) }

    /// Weights of a mean over some of the updates.
    private static func mean(of chosen: [Int], count: Int) -> [Double] {
        var weights = [Double](repeating: 0, count: count)
        for index in chosen { weights[index] = 1 / Double(chosen.count) }
        return weights
    }

    /// The combination of (mixed) updates with these weights, in Double, rounded once.
    private func sum(_ tiles: UpdateTiles, _ mixture: Mixture?, _ weights: [Double]) -> [Float] {
        let weights = mixture?.combined(weights) ?? weights
        var result = [Float](repeating: 0, count: tiles.columns)
        var sums = [Double](repeating: 0, count: tiles.width)
        tiles.forEach { first, columns, tile in
            Self.combine(tile, columns, weights, into: &sums)
            for column in 0..<columns { result[first + column] = Float(sums[column]) }
        }
        return result
    }

    /// `sums = Σ weights[k] · row k` of a tile.
    private static func combine(
        _ tile: UnsafePointer<Float>, _ columns: Int, _ weights: [Double], into sums: inout [Double]
    ) {
        for column in 0..<columns { sums[column] = 0 }
        var rows: [UnsafeRawPointer?] = []
        var factors: [Double] = []
        for (row, weight) in weights.enumerated() where weight != 0 {
            rows.append(UnsafeRawPointer(tile + row * columns))
            factors.append(weight)
        }
        guard !rows.isEmpty else { return }
        _ = sums.withUnsafeMutableBufferPointer {
            shoal_add_updates(&rows, factors, rows.count, $0.baseAddress, columns)
        }
    }

    /// A rule on each column of some of the (mixed) updates.
    private func sort(
        _ tiles: UpdateTiles, _ mixture: Mixture?, _ chosen: [Int], _ rule: (SortedColumns) -> SortedColumns.Row
    ) -> [Float] {
        var result = [Float](repeating: 0, count: tiles.columns)
        var columnsOfSixteen = SortedColumns(workers: chosen.count)
        var mixed = [Float](repeating: 0, count: chosen.count * tiles.width)
        var sums = [Double](repeating: 0, count: tiles.width)
        tiles.forEach { first, columns, tile in
            for (place, index) in chosen.enumerated() {
                if let mixture {
                    Self.combine(tile, columns, Array(mixture.row(index)), into: &sums)
                    for column in 0..<columns { mixed[place * columns + column] = Float(sums[column]) }
                } else {
                    for column in 0..<columns { mixed[place * columns + column] = tile[index * columns + column] }
                }
            }
            mixed.withUnsafeBufferPointer { values in
                guard let base = values.baseAddress else { return }
                for start in stride(from: 0, to: columns, by: 16) {
                    let width = min(16, columns - start)
                    columnsOfSixteen.load(base + start, stride: columns, columns: width)
                    let row = rule(columnsOfSixteen)
                    for column in 0..<width { result[first + start + column] = row[column] }
                }
            }
        }
        return result
    }
}
