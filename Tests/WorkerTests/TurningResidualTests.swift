import Federation
import Foundation
import ModelFiles
import Recipe
import Testing
import Wire
import Worker

/// B and A take turns, B in odd rounds. Each keeps what `ternary:density=0.1` left out of it, which can be computed by hand.
@Suite("Residuals of factors that take turns")
struct TurningResidualTests {
    let bench = WorkerBench()
    private static let codec = CodecName(name: "ternary", parameters: ["density": "0.1"])
    /// A of 8 values, then B of 8: neither tells by its size whose a residual is.
    private let layout = AdapterLayout([
        ("base_model.model.q.lora_A.weight", [2, 4]), ("base_model.model.q.lora_B.weight", [4, 2]),
    ])

    private func offer(lease: UInt64, round: UInt32) -> (offer: Offer, adapter: [UInt8]) {
        let adapter = AdapterObject.encode(layout: layout, values: bench.global)
        var offer = bench.offer(lease: lease, uplink: Self.codec)
        offer.adapter = ContentHash(of: adapter)
        offer.training.frozenFactor = round % 2 == 1 ? .a : .b
        offer.errorFeedback = true
        offer.residualDecay = 0.5
        offer.residualTurns = 2
        return (offer, adapter)
    }

    /// Takes a round's task to its update, which counts.
    private func train(round: UInt32) throws -> [UInt8] {
        let (offer, adapter) = offer(lease: UInt64(round), round: round)
        bench.receive(.offer(offer), round: round, attempt: 1)
        bench.serveAll([adapter])
        bench.finishTraining()
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: bench.folder + "/pending/update.bin")))
        bench.receive(.updateAck(UpdateAck(lease: UInt64(round), state: .committed)), round: round, attempt: 1)
        return bytes
    }

    private func delta(round: Int) -> [Float] {
        Array(round % 2 == 1 ? bench.delta[8...] : bench.delta[..<8])
    }

    /// What a factor's updates carry, by the definition, and what they leave.
    private func expect(_ sent: [[UInt8]], inRounds rounds: [Int], factors: [Float]) throws {
        let codec = try Codecs.make(Self.codec)
        var residual = [Float](repeating: 0, count: 8)
        for (index, round) in rounds.enumerated() {
            let carried = zip(residual, delta(round: round)).map { factors[index] * $0 + $1 }
            #expect(sent[index] == codec.encode(carried, seed: 0), "round \(round)")
            let decoded = try codec.decode(sent[index], count: 8, seed: 0)
            residual = zip(carried, decoded).map { $0 - $1 }
        }
    }

    @Test(arguments: [false, true])
    func eachFactorGetsItsOwnBack(isRestarted: Bool) throws {
        try bench.start()
        bench.openSession()
        var sent: [[UInt8]] = []
        for round in 1...6 {
            sent.append(try train(round: UInt32(round)))
            if isRestarted, round == 3 {
                try bench.start()
                bench.openSession()
            }
        }
        // No round of its own was missed, so nothing is lost.
        try expect([sent[0], sent[2], sent[4]], inRounds: [1, 3, 5], factors: [1, 1, 1])
        try expect([sent[1], sent[3], sent[5]], inRounds: [2, 4, 6], factors: [1, 1, 1])
        #expect(sent[2] != sent[0] && sent[3] != sent[1])
        #expect(!bench.events.contains { if case .residualDropped = $0 { true } else { false } })
    }

    @Test func onlyMissedRoundsOfItsOwnFactorMakeItOlder() throws {
        try bench.start()
        bench.openSession()
        var sent: [Int: [UInt8]] = [:]
        for round in [1, 2, 5, 8] { sent[round] = try train(round: UInt32(round)) }
        // Round 3 was B's, 4 and 6 were A's.
        try expect([1, 5].compactMap { sent[$0] }, inRounds: [1, 5], factors: [1, 0.5])
        try expect([2, 8].compactMap { sent[$0] }, inRounds: [2, 8], factors: [1, 0.25])
    }
}
