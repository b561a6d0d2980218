internal import CKernels

/// Scalar products of a round's updates with each other, from which every norm and distance follows:
/// `‖xᵢ − xⱼ‖² = ⟨xᵢ,xᵢ⟩ − 2⟨xᵢ,xⱼ⟩ + ⟨xⱼ,xⱼ⟩`.
///
/// Products of float32 values are exact in Double; a distance below about 10⁻⁸ of the updates' norm is lost in their
/// sums' rounding.
struct GramMatrix: Hashable, Sendable {
    let count: Int
    /// `[count, count]`
    private var products: [Double]

    init(count: Int, products: [Double]) {
        precondition(products.count == count * count, "\(products.count) products of \(count)")
        self.count = count
        self.products = products
    }

    /// The products of updates, in an order of additions that depends on their number and length alone.
    init(of tiles: UpdateTiles) {
        let count = tiles.updates.count
        var products = [Double](repeating: 0, count: count * count)
        tiles.forEach { _, columns, tile in
            for row in 0..<count {
                for other in 0...row {
                    products[row * count + other] +=
                        shoal_dot(tile + row * columns, tile + other * columns, columns)
                }
            }
        }
        for row in 0..<count {
            for other in 0..<row { products[other * count + row] = products[row * count + other] }
        }
        self.init(count: count, products: products)
    }

    subscript(row: Int, column: Int) -> Double { products[row * count + column] }

    func norm(_ index: Int) -> Double { max(0, self[index, index]).squareRoot() }

    func squaredDistance(_ first: Int, _ second: Int) -> Double {
        // The same bits either way round: equal scores must be equal.
        max(0, (self[first, first] + self[second, second]) - 2 * self[first, second])
    }

    /// Distances of all updates to the combination `Σ wⱼ xⱼ`.
    func distances(to weights: [Double]) -> [Double] {
        precondition(weights.count == count, "\(weights.count) weights for \(count) updates")
        var along = [Double](repeating: 0, count: count)
        for row in 0..<count {
            for column in 0..<count { along[row] += self[row, column] * weights[column] }
        }
        var squaredNorm = 0.0
        for index in 0..<count { squaredNorm += weights[index] * along[index] }
        return (0..<count).map { max(0, self[$0, $0] - 2 * along[$0] + squaredNorm).squareRoot() }
    }

    /// The products of what a mixture makes of the updates: `C G Cᵀ`.
    func mixed(by mixture: Mixture) -> GramMatrix {
        let half = mixture.times(products)
        // Row i of `half` is (C G)ᵢ; the result is symmetric.
        var result = [Double](repeating: 0, count: count * count)
        for row in 0..<count {
            for column in 0...row {
                var sum = 0.0
                for inner in 0..<count { sum += half[row * count + inner] * mixture[column, inner] }
                result[row * count + column] = sum
                result[column * count + row] = sum
            }
        }
        return GramMatrix(count: count, products: result)
    }
}
