import Tensor

/// A network of every kind of edge: a stream read by a sum and by a norm, an input read by two layers, slices of one
/// result, low-rank updates, and a vocabulary of two blocks. With its definition in double precision.
struct SmallGraph {
    let rows = 4
    let width = 6
    let hidden = 5
    let rank = 2
    /// More than one block of the head's.
    let vocabulary = 3080
    let scale: Float = 1.5
    let labels: [Int32] = [3, -100, 3079, 40]
    let gradientScale: Float = 0.5

    var isHeadAdapted = false
    /// The middle layers' inner values are computed again instead of being kept.
    var recomputes = false
    var adapterDropout: Computation.Dropout?
    var modelDropoutKey: UInt64?
    var type = ElementType.float32
    /// Seed of the values.
    var seed: UInt64 = 11

    /// Inputs and outputs of the linear layers: into the stream, gate and up, down, beside them, the head.
    private var sizes: [(inputs: Int, outputs: Int)] {
        [(width, width), (width, 2 * hidden), (hidden, width), (width, width), (width, vocabulary)]
    }
    private var adapted: Range<Int> { 0..<(isHeadAdapted ? 5 : 4) }
    private var values: Values { Values(self) }

    private struct Values {
        let input: [Float]
        let weights: [[Float]]
        let biases: [[Float]]
        let norms: [[Float]]

        init(_ graph: SmallGraph) {
            var random = TestValues(graph.seed)
            func matrix(_ count: Int, _ scale: Double) -> [Float] {
                random.next(count, scale: scale).rounded(to: graph.type.kernelType)
            }
            input = matrix(graph.rows * graph.width, 1)
            weights = graph.sizes.map { matrix($0.inputs * $0.outputs, 0.5) }
            biases = graph.sizes.map { random.next($0.outputs, scale: 0.3) }
            norms = (0..<2).map { _ in random.next(graph.width) }
        }
    }

    /// Offsets of each adapted layer's factors `[rank, in]` and `[out, rank]` in the parameter vector, and its length.
    private var layout: (offsets: [(a: Int, b: Int)], count: Int) {
        var offset = 0
        let offsets = adapted.map { layer in
            defer { offset += rank * (sizes[layer].inputs + sizes[layer].outputs) }
            return (offset, offset + rank * sizes[layer].inputs)
        }
        return (offsets, offset)
    }

    func parameters(isHeadUpdateZero: Bool = false) -> [Float] {
        var random = TestValues(7)
        var made = random.next(layout.count, scale: 0.4)
        if isHeadUpdateZero, let last = layout.offsets.last, isHeadAdapted {
            for index in last.b..<made.count { made[index] = 0 }
        }
        return made
    }

    // The tape

    func run(_ engine: Engine, _ parameters: [Float]) -> (losses: [Float], gradient: [Float]) {
        let (layout, given) = (layout, values)
        var gradient = [Float](repeating: 0, count: layout.count)
        let losses = parameters.withUnsafeBufferPointer { parameters in
            gradient.withUnsafeMutableBufferPointer { gradient -> [Float] in
                guard let base = parameters.baseAddress, let target = gradient.baseAddress else { return [] }
                var factors = [LowRankFactors?](repeating: nil, count: sizes.count)
                for (layer, offsets) in zip(adapted, layout.offsets) {
                    factors[layer] = LowRankFactors(
                        rank: rank, scale: scale, a: base + offsets.a, b: base + offsets.b,
                        gradientA: target + offsets.a, gradientB: target + offsets.b)
                }
                let pass = Computation(
                    engine: engine, type: type, factors: factors, adapterDropout: adapterDropout,
                    modelDropoutKey: modelDropoutKey, isRecording: true)
                let losses = forward(pass, given)
                pass.backward()
                return losses
            }
        }
        return (losses, gradient)
    }

    private func forward(_ pass: Computation, _ given: Values) -> [Float] {
        let layers = sizes.enumerated().map { index, size in
            Linear(
                weight: Weight(rows: size.outputs, columns: size.inputs, type: type, values: given.weights[index]),
                bias: Vector(given.biases[index]), index: index)
        }
        let first = Norm(kind: .rootMeanSquare, weight: Vector(given.norms[0]), epsilon: 1e-3)
        let last = Norm(
            kind: .layer, weight: Vector(given.norms[1]), bias: Vector(given.norms[0]), epsilon: 1e-3)
        let table = Weight(rows: rows, columns: width, type: type, values: given.input)
        // Twice, because what was added to the stream cannot be read in the backward pass.
        let embedded = (0..<2).map { _ in pass.embed((0..<rows).map(Int32.init), table) }
        let (stream, normalised) = pass.addAndNormalise(
            embedded[0], pass.linear(pass.narrowed(embedded[1]), layers[0]), first)
        let middle = { (x: Activation) -> Activation in
            let both = pass.linear(x, layers[1])
            let gate = pass.gate(both.slice(0, hidden), both.slice(hidden, hidden), .silu)
            let down = pass.dropout(pass.linear(gate, layers[2]), probability: 0.25)
            return pass.add(down, pass.linear(x, layers[3]))
        }
        let delta = recomputes ? pass.recomputing(normalised, middle) : middle(normalised)
        let final = pass.addAndNormalise(stream, delta, last).normalised
        return pass.vocabularyLosses(final, layers[4], labels: labels, gradientScale: gradientScale)
    }

    // The definition

    /// Losses of the same network, without dropout.
    func naive(_ parameters: [Double]) -> [Double] {
        let (layout, given) = (layout, values)
        func linear(_ x: [Double], _ layer: Int) -> [Double] {
            let inputs = sizes[layer].inputs
            let plain = Naive.linear(
                x, given.weights[layer].doubles, inner: inputs, bias: given.biases[layer].doubles)
            guard adapted.contains(layer) else { return plain }
            let offsets = layout.offsets[layer]
            let a = [Double](parameters[offsets.a..<offsets.b])
            let b = [Double](parameters[offsets.b..<offsets.b + rank * sizes[layer].outputs])
            let update = Naive.linear(Naive.linear(x, a, inner: inputs), b, inner: rank)
            return zip(plain, update).map { $0 + Double(scale) * $1 }
        }
        func sum(_ x: [Double], _ y: [Double]) -> [Double] { zip(x, y).map { $0 + $1 } }
        let norms = given.norms.map(\.doubles)
        let stream = sum(given.input.doubles, linear(given.input.doubles, 0))
        let x = Naive.norm(stream, weight: norms[0], bias: nil, epsilon: 1e-3, centred: false)
        let both = linear(x, 1)
        let gated = (0..<rows * hidden).map { index in
            let place = index / hidden * 2 * hidden + index % hidden
            return both[place] / (1 + Naive.exponential(-both[place])) * both[place + hidden]
        }
        let end = sum(stream, sum(linear(gated, 2), linear(x, 3)))
        let final = Naive.norm(end, weight: norms[1], bias: norms[0], epsilon: 1e-3, centred: true)
        return Naive.crossEntropy(linear(final, 4), labels: labels, width: vocabulary)
    }

    /// The gradient of the losses' sum times `gradientScale`, by central differences at some of the parameters.
    func naiveGradient(_ parameters: [Float], at places: [Int]) -> [Double] {
        places.map { place in
            let values = [-1e-4, 1e-4].map { step in
                var moved = parameters.doubles
                moved[place] += step
                return naive(moved).reduce(0, +)
            }
            return (values[1] - values[0]) / 2e-4 * Double(gradientScale)
        }
    }

    /// All parameters before the head's B, and some of that.
    var someParameters: [Int] {
        let count = layout.count
        let dense = isHeadAdapted ? layout.offsets[4].b : count
        return [Int](0..<dense) + (dense..<count).filter { $0 % 997 == 0 || $0 - dense == 7 || count - $0 < 3 }
    }
}
