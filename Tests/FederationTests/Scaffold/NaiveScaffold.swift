/// SCAFFOLD as its paper's Algorithm 1 writes it (option II, global rate 1), in Double, on `fᵢ(x) = ½ aᵢ (x − bᵢ)²` for
/// each value of a vector.
struct NaiveScaffold {
    /// aᵢ and bᵢ, one row a worker.
    let curvature: [[Double]]
    let centre: [[Double]]
    let rate: Double
    let steps: Int
    var x: [Double]
    var c: [Double]
    var ci: [[Double]]

    init(curvature: [[Double]], centre: [[Double]], rate: Double, steps: Int, start: [Double]) {
        self.curvature = curvature
        self.centre = centre
        self.rate = rate
        self.steps = steps
        x = start
        c = start.map { _ in 0 }
        ci = curvature.map { $0.map { _ in 0 } }
    }

    mutating func round(_ chosen: [Int]) {
        var sumX = x.map { _ in 0.0 }
        var sumC = sumX
        for worker in chosen {
            for place in x.indices {
                var y = x[place]
                for _ in 0..<steps {
                    let gradient = curvature[worker][place] * (y - centre[worker][place])
                    y -= rate * (gradient - ci[worker][place] + c[place])
                }
                let next = ci[worker][place] - c[place] + (x[place] - y) / (Double(steps) * rate)
                sumX[place] += y - x[place]
                sumC[place] += next - ci[worker][place]
                ci[worker][place] = next
            }
        }
        for place in x.indices {
            x[place] += sumX[place] / Double(chosen.count)
            let mean = sumC[place] / Double(chosen.count)
            c[place] += Double(chosen.count) / Double(curvature.count) * mean
        }
    }
}
