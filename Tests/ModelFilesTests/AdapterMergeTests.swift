import ModelFiles
import Testing

@Suite("An adapter with its residual as one")
struct AdapterMergeTests {
    private let layout = AdapterLayout([
        ("base_model.model.l.0.q.lora_A.weight", [2, 3]), ("base_model.model.l.0.q.lora_B.weight", [4, 2]),
        ("base_model.model.l.1.q.lora_A.weight", [1, 3]), ("base_model.model.l.1.q.lora_B.weight", [4, 1]),
        ("base_model.model.score.weight", [2]),
    ])

    private func configuration(_ isRankStabilised: Bool) -> AdapterConfiguration {
        var configuration = AdapterConfiguration(
            rank: 2, alpha: 6, isRankStabilised: isRankStabilised, targetModules: .named(["q"]))
        configuration.rankPattern = ["1.q": 1]
        configuration.modulesToSave = ["score"]
        return configuration
    }

    private func values(_ count: Int, from first: Float) -> [Float] { (0..<count).map { first + Float($0) / 4 } }

    /// `scale · B · A` of every layer, by the definition.
    private func products(
        _ layout: AdapterLayout, _ values: [Float], scale: (String) -> Double
    ) -> [String: [Double]] {
        var result: [String: [Double]] = [:]
        for a in layout.entries {
            guard let name = AdapterTensorName(a.name), name.factor == .a,
                let b = layout[AdapterTensorName(layer: name.layer, factor: .b).description]
            else { continue }
            let (rank, inputs) = (a.shape[0], a.shape[1])
            result[name.layer] = (0..<b.shape[0] * inputs).map { place in
                (0..<rank).reduce(0) { sum, index in
                    let left = Double(values[b.offset + place / inputs * rank + index])
                    return sum + scale(name.layer) * left * Double(values[a.offset + index * inputs + place % inputs])
                }
            }
        }
        return result
    }

    @Test("computes the sum of both, layer by layer, by PEFT's rules", arguments: [false, true])
    func sum(_ isRankStabilised: Bool) throws {
        let configuration = configuration(isRankStabilised)
        let values = values(layout.parameterCount, from: -2)
        let extra = AdapterLayout([
            ("base_model.model.l.0.q.lora_A.weight", [3, 3]), ("base_model.model.l.0.q.lora_B.weight", [4, 3]),
        ])
        let residual = try AdapterResidual(layout: extra, values: self.values(extra.parameterCount, from: 1))
        let merged = try residual.merged(into: values, layout: layout, configuration: configuration)

        let before = try AdapterTargeting(configuration)
        let after = try AdapterTargeting(AdapterConfiguration(decoding: merged.configuration.encoded()))
        #expect(after.rank(of: "l.0.q") == 5 && after.rank(of: "l.1.q") == 1)
        let own = products(layout, values) { before.scale(of: $0) }
        let added = products(extra, residual.values) { _ in 1 }
        let found = products(merged.layout, merged.values) { after.scale(of: $0) }
        #expect(found.keys.sorted() == ["l.0.q", "l.1.q"])
        for (layer, product) in found {
            for (index, value) in product.enumerated() {
                let expected = (own[layer]?[index] ?? .nan) + (added[layer]?[index] ?? 0)
                #expect(abs(value - expected) < 1e-5 * max(1, abs(expected)))
            }
        }
        let saved = try #require(merged.layout["base_model.model.score.weight"])
        #expect(merged.values[saved.range] == values[layout.entries[4].range])
    }

    @Test("is refused where the residual's layers are not the adapter's")
    func strangers() throws {
        for shape in [("l.0.q", 5), ("l.2.q", 3)] {
            let extra = AdapterLayout([
                ("base_model.model.\(shape.0).lora_A.weight", [1, shape.1]),
                ("base_model.model.\(shape.0).lora_B.weight", [4, 1]),
            ])
            let residual = try AdapterResidual(layout: extra, values: values(extra.parameterCount, from: 0))
            #expect(throws: AdapterResidualError.unknownLayer(shape.0)) {
                try residual.merged(
                    into: values(layout.parameterCount, from: 0), layout: layout, configuration: configuration(false))
            }
        }
    }

    @Test(
        "is not made of what is no residual",
        arguments: [
            [("base_model.model.q.lora_A.weight", [2, 3])],
            [("base_model.model.q.lora_B.weight", [2, 3])],
            [("base_model.model.q.lora_A.weight", [2, 3]), ("base_model.model.q.lora_B.weight", [4, 3])],
            [("base_model.model.q.lora_magnitude_vector", [2])],
            [("base_model.model.score.weight", [2, 3])],
            [("base_model.model.q.lora_A.weight", [2]), ("base_model.model.q.lora_B.weight", [4, 2])],
        ])
    func damaged(_ tensors: [(String, [Int])]) throws {
        let layout = AdapterLayout(tensors.map { (name: $0.0, shape: $0.1) })
        let bytes = AdapterObject.encode(layout: layout, values: values(layout.parameterCount, from: 0))
        #expect(throws: AdapterResidualError.self) { try AdapterResidual(decoding: bytes) }
    }

    @Test("travels as bytes")
    func bytes() throws {
        let extra = AdapterLayout([
            ("base_model.model.q.lora_A.weight", [1, 3]), ("base_model.model.q.lora_B.weight", [4, 1]),
        ])
        let residual = try AdapterResidual(layout: extra, values: values(7, from: 0))
        #expect(try AdapterResidual(decoding: residual.encoded()) == residual)
    }

    @Test("a limit lowers ranks and nothing else")
    func limit() throws {
        let limited = layout.limited(toRank: 1)
        #expect(limited.entries.map(\.shape) == [[1, 3], [4, 1], [1, 3], [4, 1], [2]])
        #expect(layout.limited(toRank: 2) == layout && layout.limited(toRank: 9) == layout)
        let targeting = try AdapterTargeting(configuration(false).limited(toRank: 1))
        #expect(targeting.rank(of: "l.0.q") == 1 && targeting.scale(of: "l.0.q") == 6)
    }
}
