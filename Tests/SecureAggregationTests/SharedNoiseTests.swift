import Crypto
import Federation
import Foundation
import Randomness
import SecureAggregation
import Testing

@Suite("Noise that workers share under masks")
struct SharedNoiseTests {
    private static let levels = 4_000

    private func quantisation(
        clip: Double = 0.3, noiseMultiplier: Double = 1, parameters: Int, minimumHonest: Int = 4
    ) -> WeightedQuantisation {
        let plain = WeightedQuantisation(clip: 0.5, levels: Self.levels, weightLimit: 1)
        let lattice = NoiseLattice(clip: clip / plain.step, dimension: parameters)
        return WeightedQuantisation(
            clip: 0.5, levels: Self.levels, weightLimit: 1,
            noise: SharedNoise(noiseMultiplier: noiseMultiplier, on: lattice, minimumHonest: minimumHonest))
    }

    private func silent(_ quantisation: WeightedQuantisation) throws -> WeightedQuantisation {
        let noise = try #require(quantisation.noise)
        return WeightedQuantisation(
            clip: quantisation.clip, levels: quantisation.levels, weightLimit: 1,
            noise: SharedNoise(variance: 0, norm: noise.norm, minimumHonest: noise.minimumHonest))
    }

    /// A clipped update whose rounding lengthens it as far as any: all values lie between two steps.
    private func update(_ parameters: Int, clip: Double, key: UInt64) -> [Float] {
        var random = CounterRandom(key: key)
        var values = (0..<parameters).map { _ in random.normal() }
        UpdateClip.clip(&values, to: clip)
        return values
    }

    @Test("a worker's integers stay within the norm, however its values are rounded", arguments: [1, 7, 400, 20_000])
    func norm(_ parameters: Int) throws {
        // Few steps in the clip, so that rounding matters: 3 steps, and values of far less than one.
        for clip in [0.000_375, 0.02, 0.3] {
            let quantisation = try silent(quantisation(clip: clip, parameters: parameters))
            let limit = try #require(quantisation.noise).norm
            #expect(limit > clip / quantisation.step)
            var generator = SecretStream(key: [UInt8](repeating: 1, count: 32))
            for key in 0..<20 as Range<UInt64> {
                var rounding = CounterRandom(key: key)
                let values = update(parameters, clip: clip, key: key)
                let words = try quantisation.noisyWords(values, rounding: &rounding, noise: &generator)
                let integers = words.dropLast().map { Double(Int32(bitPattern: $0)) }
                #expect(integers.reduce(0) { $0 + $1 * $1 }.squareRoot() <= limit * (1 + 1e-9))
                #expect(words.last == 1)
                for (integer, value) in zip(integers, values) {
                    #expect(abs(integer - Double(value) / quantisation.step) < 1.001)
                }
            }
        }
    }

    @Test("an update that is longer than what the noise is for is refused, not sent")
    func tooLong() throws {
        let quantisation = try silent(quantisation(clip: 0.1, parameters: 3))
        var rounding = CounterRandom(key: 1)
        var generator = SecretStream(key: [UInt8](repeating: 1, count: 32))
        #expect(throws: MaskingError.self) {
            try quantisation.noisyWords([0.3, 0.3, 0.3], rounding: &rounding, noise: &generator)
        }
    }

    @Test("the modulus leaves room for the noise of all, and no sum of a thousand leaves it")
    func room() throws {
        let noisy = quantisation(noiseMultiplier: 4, parameters: 50)
        let plain = WeightedQuantisation(clip: 0.5, levels: Self.levels, weightLimit: 1)
        let noise = try #require(noisy.noise)
        for cohort in [4, 30, 200] {
            let bits = try noisy.bits(cohort: cohort)
            #expect(bits > (try plain.bits(cohort: cohort)))
            // Nine deviations of the whole noise beside the largest sum fit; a quarter of that range would not do.
            let deviation = (noise.variance * Double(cohort)).squareRoot()
            let needed = Double(cohort * Self.levels) + 9.5 * deviation
            #expect(exp2(Double(bits - 1)) > needed)
            #expect(exp2(Double(bits - 1)) < 4 * (Double(cohort * Self.levels) + 11 * deviation))
        }
        var generator = SecretStream(key: [UInt8](repeating: 3, count: 32))
        let bits = try noisy.bits(cohort: 30)
        let share = SkellamNoise(variance: noise.variance)
        for _ in 0..<1_000 {
            // Everybody at the largest value.
            var sum = 0
            for _ in 0..<30 { sum += Self.levels + Int(share.next(using: &generator)) }
            let word = UInt32(truncatingIfNeeded: sum)
            #expect(noisy.sum(of: [word, 30], bits: bits).integers == [Int32(sum)])
        }
        let huge = SharedNoise(variance: 2e15, norm: 10, minimumHonest: 1)
        let tooNoisy = WeightedQuantisation(clip: 1, levels: 9, weightLimit: 1, noise: huge)
        #expect(throws: MaskingError.self) { try tooNoisy.bits(cohort: 100) }
    }

    /// Ten workers, of whom one may collude and three may drop out.
    private func cohort(parameters: Int, minimumHonest: Int) throws -> MaskedCohort {
        try MaskedCohort(
            10, assuming: MaskingAssumptions(corruptFraction: 0.1, dropoutFraction: 0.3), minimum: 4,
            parameters: parameters, quantisation: quantisation(parameters: parameters, minimumHonest: minimumHonest))
    }

    @Test("what comes out after dropouts at every step has at least the noise that is accounted for")
    func variance() throws {
        let parameters = 20_000
        var cohort = try cohort(parameters: parameters, minimumHonest: 4)
        let quantisation = cohort.terms.quantisation
        let noise = try #require(quantisation.noise)
        var generator = SecretStream(key: [UInt8](repeating: 9, count: 32))
        var shares: [WorkerName: [UInt32]] = [:]
        // Nobody learned anything: what comes out is noise, and nothing else.
        for name in cohort.names {
            var rounding = CounterRandom(key: 4)
            shares[name] = try quantisation.noisyWords(
                [Float](repeating: 0, count: parameters), rounding: &rounding, noise: &generator)
        }
        cohort.replacement = shares
        try cohort.exchangeKeys()
        try cohort.exchangeShares(without: [cohort.names[0]])
        try cohort.sendVectors(without: [cohort.names[1], cohort.names[2], cohort.names[0]])
        try cohort.exchangeSignatures()
        try cohort.revealShares()
        let sum = try cohort.server.unmask()
        #expect(sum.survivors.count == 7 && sum.sum.weight == 7)
        let measured = sum.sum.integers.reduce(0) { $0 + Double($1) * Double($1) } / Double(parameters)
        let accounted = noise.noiseMultiplier * noise.norm
        // One of the seven may tell its share: what the others add is still more than is counted.
        #expect(measured * 6 / 7 > accounted * accounted)
        // Seven shares of a quarter each: a twentieth is five standard deviations.
        #expect(abs(measured / (accounted * accounted * 7 / 4) - 1) < 0.05)
    }

    @Test("with too few honest survivors the coordinator does not go on, and no worker signs")
    func tooFewHonest() throws {
        var cohort = try cohort(parameters: 5, minimumHonest: 7)
        try cohort.exchangeKeys()
        try cohort.exchangeShares()
        // Seven survive, of whom one may collude: six shares where seven make the noise.
        #expect(throws: MaskingError.tooFewSurvivors(have: 7, need: 8)) {
            try cohort.sendVectors(without: Set(cohort.names.prefix(3)))
        }
        // A coordinator that goes on all the same finds nobody to sign.
        var careless = try self.cohort(parameters: 5, minimumHonest: 7)
        careless.server = UnmaskingServer(
            in: careless.context,
            under: MaskingTerms(
                assumptions: careless.terms.assumptions, minimumCohort: 4,
                quantisation: WeightedQuantisation(
                    clip: 0.5, levels: Self.levels, weightLimit: 1,
                    noise: careless.terms.quantisation.noise.map {
                        SharedNoise(variance: $0.variance, norm: $0.norm, minimumHonest: 1)
                    }), parameterCount: 5),
            identity: careless.identityLookup)
        try careless.exchangeKeys()
        try careless.exchangeShares()
        try careless.sendVectors(without: Set(careless.names.prefix(3)))
        #expect(throws: MaskingError.tooFewSurvivors(have: 7, need: 8)) { try careless.exchangeSignatures() }
    }
}
