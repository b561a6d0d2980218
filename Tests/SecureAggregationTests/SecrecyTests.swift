import Federation
import SecureAggregation
import Testing

@Suite("What the coordinator holds")
struct SecrecyTests {
    private static let assumptions = MaskingAssumptions(corruptFraction: 0.1, dropoutFraction: 1.0 / 3)

    private func run() throws -> MaskedCohort {
        var cohort = try MaskedCohort(12, assuming: Self.assumptions, parameters: 400)
        try cohort.exchangeKeys()
        try cohort.exchangeShares()
        try cohort.sendVectors(without: [cohort.names[3]])
        try cohort.exchangeSignatures()
        try cohort.revealShares()
        return cohort
    }

    @Test("no message holds a worker's vector, its packed form, its secret or a share that was sealed")
    func transcript() throws {
        let cohort = try run()
        let bits = try #require(cohort.server.bits)
        for (name, messages) in cohort.transcript {
            let words = cohort.words(name)
            let needles = [
                Array(PackedWords.pack(words, bits: bits).prefix(16)),
                words.prefix(4).flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } },
                Array(cohort.secret(name).prefix(16)),
            ]
            for message in messages {
                for needle in needles { #expect(!message.contains(needle)) }
            }
        }
        // What neighbours reveal, a neighbour's message before that does not hold.
        let revealed = cohort.transcript.values.compactMap(\.last).flatMap { bytes in
            ((try? RevealedShares(bytes))?.entries ?? []).map { Array($0.share.bytes.prefix(16)) }
        }
        #expect(revealed.count > 50)
        for messages in cohort.transcript.values where messages.count == 5 {
            for share in revealed { #expect(!messages[1].contains(share)) }
        }
    }

    /// The masked vector of a survivor without its own mask: what all shares of its self seed uncover.
    @Test("all revealed shares together do not uncover one survivor's vector, for the other kind is missing")
    func survivor() throws {
        let cohort = try run()
        let bits = try #require(cohort.server.bits)
        let modulus = UInt32(1) << UInt32(bits) - 1
        let name = cohort.names[0]
        let vector = try #require(cohort.transcript[name])[2]
        var masked = [UInt32](repeating: 0, count: cohort.terms.parameterCount + 1)
        PackedWords.add(vector, bits: bits, to: &masked)
        let plain = cohort.words(name)
        let position = try #require(cohort.keys[name]).position
        let entries = try cohort.transcript.values.filter { $0.count == 5 }.compactMap(\.last).flatMap {
            try RevealedShares($0).entries
        }
        let kinds = Set(entries.filter { $0.position == position }.map(\.kind))
        #expect(kinds == [.selfSeed])
        // Masked values agree with plain ones no oftener than by chance: 401 values, 2^bits possibilities.
        #expect(zip(masked, plain).count { $0 & modulus == $1 & modulus } <= 2)
        // Uniform over the modulus: the highest bit is set about half of the time, five standard deviations wide.
        let high = masked.count { $0 >> UInt32(bits - 1) & 1 == 1 }
        #expect((150...251).contains(high))
    }

    @Test("two attempts of one worker with the same update have nothing in common that a difference would show")
    func attempts() throws {
        func vector(_ attempt: Int) throws -> (masked: [UInt32], bits: Int) {
            var cohort = try MaskedCohort(5, attempt: attempt, parameters: 200)
            try cohort.exchangeKeys()
            try cohort.exchangeShares()
            let name = cohort.names[0]
            let same = [UInt32](repeating: 7, count: 201)
            let received = try #require(cohort.shares[name])
            let bytes = try #require(try cohort.workers[name]?.mask(same, with: received))
            var masked = [UInt32](repeating: 0, count: 201)
            let bits = try #require(cohort.server.bits)
            PackedWords.add(bytes, bits: bits, to: &masked)
            return (masked, bits)
        }
        let (first, bits) = try vector(1)
        let (second, _) = try vector(2)
        let differences = Set(zip(first, second).map { ($0 &- $1) & (UInt32(1) << UInt32(bits) - 1) })
        #expect(differences.count > 150)
    }

    @Test("for fewer shares than the threshold, every self seed fits the transcript but for the commitment's hash")
    func belowThreshold() throws {
        let cohort = try run()
        let degree = try #require(cohort.server.degree)
        let position = try #require(cohort.keys[cohort.names[0]]).position
        // Shares of the first worker's self seed with the points they lie at.
        var shares: [(point: UInt32, share: SecretShare)] = []
        for (name, messages) in cohort.transcript where messages.count == 5 {
            let own = try #require(cohort.keys[name]).position
            for entry in try RevealedShares(#require(messages.last)).entries where entry.position == position {
                shares.append((UInt32(own) + 1, entry.share))
            }
        }
        #expect(shares.count > degree.threshold)
        let whole = try #require(SecretSharing.combine(Array(shares.prefix(degree.threshold))))
        #expect(SecretSharing.combine(Array(shares.suffix(degree.threshold))) == whole)
        // One share fewer, and any value in the missing one's place gives another secret: none is excluded.
        let known = Array(shares.prefix(degree.threshold - 1))
        let last = shares[degree.threshold - 1]
        var secrets: Set<[UInt64]> = []
        for number in UInt64(0)..<64 {
            var bytes = last.share.bytes
            bytes[0] ^= UInt8(number)
            let weighted = SecretSharing.limbs(known + [(point: last.point, share: try SecretShare(bytes))])
            secrets.insert(weighted.map(\.value))
        }
        #expect(secrets.count == 64)
    }
}
