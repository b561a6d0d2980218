import Tensor
import Testing

@Suite("The tape: gradients of composed operations", .serialized)
struct TapeTests {
    init() { Threads.limit(to: 1) }

    @Test("Gradients are the derivative of the losses", arguments: [false, true], [false, true])
    func gradients(_ isHeadAdapted: Bool, _ recomputes: Bool) {
        let graph = SmallGraph(isHeadAdapted: isHeadAdapted, recomputes: recomputes)
        let parameters = graph.parameters()
        let (losses, gradient) = graph.run(Engine(), parameters)
        #expect(losses.error(from: graph.naive(parameters.doubles)) < 1e-5)
        let places = graph.someParameters
        let expected = graph.naiveGradient(parameters, at: places)
        #expect(places.map { gradient[$0] }.error(from: expected) < 1e-4)
        #expect(expected.contains { abs($0) > 0.1 })
    }

    @Test(
        "Recomputing gives the bits that keeping gives, dropout included", arguments: [ElementType.float32, .bfloat16])
    func recomputing(_ type: ElementType) {
        var graph = SmallGraph(
            adapterDropout: Computation.Dropout(probability: 0.3, key: 5), modelDropoutKey: 6, type: type)
        let parameters = graph.parameters()
        // Tests beside this one change the kernels' level.
        KernelLevel.current.whileInUse {
            let kept = graph.run(Engine(), parameters)
            graph.recomputes = true
            let recomputed = graph.run(Engine(), parameters)
            #expect(kept.losses == recomputed.losses)
            #expect(kept.gradient == recomputed.gradient)
            graph.modelDropoutKey = nil
            #expect(graph.run(Engine(), parameters).losses != kept.losses)
        }
    }

    @Test("A head whose update is zero gives what a head without one gives")
    func adaptedHead() {
        let plain = SmallGraph()
        let adapted = SmallGraph(isHeadAdapted: true)
        let before = plain.run(Engine(), plain.parameters())
        let parameters = adapted.parameters(isHeadUpdateZero: true)
        let after = adapted.run(Engine(), parameters)
        #expect(after.losses.error(from: before.losses.doubles) < 1e-5)
        #expect([Float](after.gradient.prefix(before.gradient.count)).error(from: before.gradient.doubles) < 1e-5)
        let places = adapted.someParameters
        let expected = adapted.naiveGradient(parameters, at: places)
        #expect(places.map { after.gradient[$0] }.error(from: expected) < 1e-4)
    }

    @Test("bfloat16 gradients follow the definition", arguments: [false, true])
    func bfloat16(_ isHeadAdapted: Bool) {
        let graph = SmallGraph(isHeadAdapted: isHeadAdapted, type: .bfloat16)
        let parameters = graph.parameters().rounded(to: ElementType.bfloat16.kernelType)
        let (losses, gradient) = graph.run(Engine(), parameters)
        #expect(losses.error(from: graph.naive(parameters.doubles)) < 3e-2)
        let places = graph.someParameters
        let expected = graph.naiveGradient(parameters, at: places)
        let difference = zip(places, expected).map { Double(gradient[$0]) - $1 }
        func size(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        #expect(size(difference) < 0.03 * size(expected))
    }

    @Test("Passes give their memory back, and later ones need no more", arguments: [false, true], [false, true])
    func memory(_ isHeadAdapted: Bool, _ recomputes: Bool) {
        let graph = SmallGraph(
            isHeadAdapted: isHeadAdapted, recomputes: recomputes,
            adapterDropout: Computation.Dropout(probability: 0.3, key: 5), modelDropoutKey: 6)
        let engine = Engine()
        let parameters = graph.parameters()
        var held: [Int] = []
        for _ in 0..<4 {
            _ = graph.run(engine, parameters)
            #expect(engine.arena.bytesInUse == 0)
            held.append(engine.arena.bytesHeld)
        }
        #expect(Set(held).count == 1 && held[0] > 0, "\(held)")
    }
}
