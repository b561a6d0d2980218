import Crypto
import Federation
import Foundation
import SecureAggregation
import Testing

@Suite("Messages that somebody changed")
struct TamperingTests {
    private func cohort(upTo step: UnmaskingServer.Step, attempt: Int = 1) throws -> MaskedCohort {
        var cohort = try MaskedCohort(
            12, attempt: attempt, assuming: MaskingAssumptions(corruptFraction: 0.1, dropoutFraction: 1.0 / 3),
            minimum: 6)
        if step >= .shares { try cohort.exchangeKeys() }
        if step >= .vectors { try cohort.exchangeShares() }
        if step >= .signatures { try cohort.sendVectors(without: [cohort.names[7]]) }
        if step >= .reveals { try cohort.exchangeSignatures() }
        return cohort
    }

    // Keys

    @Test("keys that another identity signed, or that belong to another attempt, are refused")
    func keys() throws {
        var cohort = try cohort(upTo: .keys)
        let earlier = try MaskedCohort(12, attempt: 2)
        let (name, other) = (cohort.names[0], cohort.names[1])
        let mine = try #require(cohort.workers[name]).advertise()
        let theirs = try #require(cohort.workers[other]).advertise()
        let stolen = AdvertisedKeys(
            worker: name, maskKey: theirs.maskKey, shareKey: theirs.shareKey, signature: theirs.signature)
        let mixed = AdvertisedKeys(
            worker: name, maskKey: theirs.maskKey, shareKey: mine.shareKey, signature: mine.signature)
        let old = try #require(earlier.workers[name]).advertise()
        for keys in [stolen, mixed, old] {
            #expect(throws: MaskingError.badSignature(name)) { try cohort.server.accept(keys) }
        }
        let stranger = AdvertisedKeys(
            worker: try #require(WorkerName("nobody")), maskKey: mine.maskKey, shareKey: mine.shareKey,
            signature: mine.signature)
        #expect(throws: MaskingError.unknownWorker(stranger.worker)) { try cohort.server.accept(stranger) }
        try cohort.server.accept(mine)
        let second = try cohort.worker(name, secret: [UInt8](repeating: 1, count: 32)).advertise()
        #expect(throws: MaskingError.repeatedDifferently(name, step: "mask keys")) { try cohort.server.accept(second) }
    }

    @Test("a worker refuses neighbours' keys that the coordinator made, left out, moved or took from elsewhere")
    func neighbours() throws {
        let cohort = try cohort(upTo: .shares)
        let name = cohort.names[3]
        let message = try #require(cohort.keys[name])
        var worker = try #require(cohort.workers[name])
        func changed(
            cohort: Int? = nil, degree: Int? = nil, threshold: Int? = nil, position: Int? = nil, root: [UInt8]? = nil,
            neighbours: [NeighbourKeys.Neighbour]? = nil, proof: [[UInt8]]? = nil
        ) -> NeighbourKeys {
            NeighbourKeys(
                cohort: cohort ?? message.cohort, degree: degree ?? message.degree,
                threshold: threshold ?? message.threshold, position: position ?? message.position,
                root: root ?? message.root, neighbours: neighbours ?? message.neighbours,
                proof: proof ?? message.proof)
        }
        let peer = message.neighbours[0]
        // Keys of the coordinator's own making in a neighbour's place.
        let forged = AdvertisedKeys(
            worker: peer.keys.worker, maskKey: message.neighbours[1].keys.maskKey, shareKey: peer.keys.shareKey,
            signature: peer.keys.signature)
        let swapped = [.init(position: peer.position, keys: forged)] + message.neighbours.dropFirst()
        #expect(throws: MaskingError.wrongRoster("the proof leads elsewhere")) {
            try worker.share(changed(neighbours: Array(swapped)))
        }
        #expect(throws: MaskingError.wrongRoster("the proof leads elsewhere")) {
            try worker.share(changed(proof: message.proof + [message.root]))
        }
        #expect { try worker.share(changed(neighbours: Array(message.neighbours.dropFirst()))) } throws: {
            if case .wrongNeighbours? = $0 as? MaskingError { true } else { false }
        }
        #expect(throws: MaskingError.self) {
            try worker.share(changed(root: [UInt8](repeating: 3, count: 32)))
        }
        #expect(throws: MaskingError.self) { try worker.share(changed(position: (message.position + 1) % 12)) }
        for (degree, threshold) in [(2, 2), (11, 5), (11, 1), (3, 3), (0, 1), (12, 12), (11, 12)] {
            #expect(throws: MaskingError.weakDegree(cohort: 12, degree: degree, threshold: threshold)) {
                try worker.share(changed(degree: degree, threshold: threshold))
            }
        }
        #expect(throws: MaskingError.cohortTooSmall(have: 5, need: 6)) { try worker.share(changed(cohort: 5)) }
        // The right message is taken, and then no other one.
        let sealed = try worker.share(message)
        let again = try worker.share(message)
        #expect(again == sealed)
        #expect(throws: MaskingError.repeatedDifferently(name, step: "neighbours' keys")) {
            try worker.share(changed(threshold: message.threshold + 1))
        }
    }

    @Test("a whole list of keys that the coordinator forged for other names fails at their signatures")
    func forgedRoster() throws {
        let cohort = try cohort(upTo: .keys)
        let name = cohort.names[0]
        let victim = try #require(cohort.workers[name])
        // The coordinator vouches for eleven workers by itself; the victim knows the real identities.
        let impostors = Dictionary(
            uniqueKeysWithValues: cohort.names.map { ($0, Curve25519.Signing.PrivateKey()) })
        let known = impostors.mapValues { Array($0.publicKey.rawRepresentation) }
        let own = cohort.identities[name].map { Array($0.publicKey.rawRepresentation) }
        var server = UnmaskingServer(in: cohort.context, under: cohort.terms) { $0 == name ? own : known[$0] }
        try server.accept(victim.advertise())
        for other in cohort.names.dropFirst() {
            let key = impostors[other]
            try server.accept(
                MaskingWorker(
                    other, in: cohort.context, under: cohort.terms, secret: SecretStream.randomKey(),
                    signing: { Array(try key?.signature(for: Data($0)) ?? Data()) }, identity: { known[$0] }
                ).advertise())
        }
        let message = try #require(try server.closeKeys()[name])
        var worker = victim
        #expect(throws: MaskingError.badSignature(message.neighbours[0].keys.worker)) { try worker.share(message) }
    }

    @Test("a worker that wants to hide among more workers than take part refuses")
    func ownMinimum() throws {
        let cohort = try cohort(upTo: .shares)
        let name = cohort.names[0]
        let careful = MaskingTerms(
            assumptions: cohort.terms.assumptions, minimumCohort: 13, quantisation: cohort.terms.quantisation,
            parameterCount: cohort.terms.parameterCount)
        var worker = try cohort.worker(name, under: careful)
        #expect(throws: MaskingError.cohortTooSmall(have: 12, need: 13)) {
            try worker.share(#require(cohort.keys[name]))
        }
    }

    // Shares

    @Test("sealed shares that were exchanged, changed or kept from another attempt are refused")
    func sealedShares() throws {
        let cohort = try cohort(upTo: .vectors)
        let other = try self.cohort(upTo: .vectors, attempt: 2)
        let name = cohort.names[0]
        let boxes = try #require(cohort.shares[name]).boxes
        let words = cohort.words(name)
        var changed = boxes[0].sealed
        changed[5] ^= 1
        let old = try #require(other.shares[name]).boxes
        let sender = try #require(cohort.keys[name]).neighbours[0].keys.worker
        let kept = try #require(old.first { $0.position == boxes[0].position })
        for first in [boxes[1].sealed, changed, kept.sealed] {
            var worker = try #require(cohort.workers[name])
            let message = RoutedShares(boxes: [.init(position: boxes[0].position, sealed: first)] + boxes.dropFirst())
            #expect(throws: MaskingError.sealedShareRefused(from: sender)) { try worker.mask(words, with: message) }
        }
        var worker = try #require(cohort.workers[name])
        #expect(throws: MaskingError.self) { try worker.mask(words, with: RoutedShares(boxes: boxes + [boxes[0]])) }
        let degree = try #require(cohort.server.degree)
        let few = RoutedShares(boxes: Array(boxes.prefix(degree.threshold - 1)))
        #expect(
            throws: MaskingError.tooFewSharingNeighbours(name, have: degree.threshold - 1, need: degree.threshold)
        ) { try worker.mask(words, with: few) }
        _ = try worker.mask(words, with: RoutedShares(boxes: boxes))
        #expect(throws: MaskingError.alreadyMasked) { try worker.mask(words, with: RoutedShares(boxes: boxes)) }
    }

    // Survivors

    @Test("a worker signs one set of survivors, in which it and all its neighbours have one place each")
    func survivors() throws {
        let cohort = try cohort(upTo: .signatures)
        let name = cohort.names[0]
        let set = try #require(cohort.survivors)
        let keys = try #require(cohort.keys[name])
        let peer = try #require(keys.neighbours.first { set.survivors.contains($0.position) })
        let (own, all) = (keys.position, set.survivors)
        let others = all.filter { $0 != own }
        func changed(_ survivors: [Int], _ dropped: [Int], cohort: Int = 12) -> SurvivorSet {
            SurvivorSet(survivors: survivors, dropped: dropped, cohort: cohort)
        }
        let cases: [(SurvivorSet, MaskingError)] = [
            (changed(all, set.dropped + [peer.position]), .bothKindsAsked(peer.keys.worker)),
            (changed(all, set.dropped + [own]), .malformed("a set of survivors that counts a worker as dropped too")),
            (changed(all.filter { $0 != peer.position }, set.dropped), .unaccounted(peer.keys.worker)),
            (changed(others, set.dropped), .notCounted),
            (changed(others.prefix(4) + [own], others.dropFirst(4) + set.dropped), .tooFewSurvivors(have: 5, need: 6)),
            (changed(all, set.dropped, cohort: 13), .malformed("survivors of a cohort of 13")),
        ]
        var worker = try #require(cohort.workers[name])
        for (message, error) in cases {
            #expect(throws: error) { try worker.sign(message) }
        }
        let signature = try worker.sign(set)
        let again = try worker.sign(set)
        #expect(again == signature)
        // The victim's neighbour is a survivor in the first set and dropped in the second: both kinds of its share.
        let second = changed(all.filter { $0 != peer.position }, set.dropped + [peer.position])
        #expect(throws: MaskingError.otherSurvivors) { try worker.sign(second) }
    }

    @Test("nothing is revealed without the threshold's number of signatures of the same survivors")
    func signatures() throws {
        var cohort = try cohort(upTo: .reveals)
        let name = cohort.names[0]
        let worker = try #require(cohort.workers[name])
        let message = try #require(cohort.signatures[name])
        let degree = try #require(cohort.server.degree)
        #expect(throws: MaskingError.tooFewSignatures(have: degree.threshold - 1, need: degree.threshold)) {
            try worker.reveal(NeighbourSignatures(entries: Array(message.entries.dropLast())))
        }
        // One signature counted twice is one.
        #expect(throws: MaskingError.tooFewSignatures(have: degree.threshold - 1, need: degree.threshold)) {
            try worker.reveal(NeighbourSignatures(entries: message.entries.dropLast() + [message.entries[0]]))
        }
        let neighbours = try #require(cohort.keys[name]).neighbours
        let signer = try #require(neighbours.first { $0.position == message.entries[0].position }).keys.worker
        let exchanged = NeighbourSignatures(
            entries: [.init(position: message.entries[0].position, signature: message.entries[1].signature)]
                + message.entries.dropFirst())
        #expect(throws: MaskingError.badSignature(signer)) { try worker.reveal(exchanged) }
        // Signatures under another set, which the coordinator showed to everybody else.
        let set = try #require(cohort.survivors)
        let other = SurvivorSet(
            survivors: set.survivors, dropped: [], cohort: set.cohort)
        let elsewhere = try neighbours.filter { set.survivors.contains($0.position) }.map { neighbour in
            var liar = try cohort.worker(neighbour.keys.worker)
            _ = try liar.share(#require(cohort.keys[neighbour.keys.worker]))
            let boxes = try #require(cohort.shares[neighbour.keys.worker]).boxes
            try liar.resumeMasked(with: RoutedShares(boxes: boxes.filter { set.survivors.contains($0.position) }))
            return NeighbourSignatures.Entry(position: neighbour.position, signature: try liar.sign(other))
        }
        #expect { try worker.reveal(NeighbourSignatures(entries: elsewhere)) } throws: {
            if case .badSignature? = $0 as? MaskingError { true } else { false }
        }
        let revealed = try worker.reveal(message)
        #expect(try worker.reveal(message) == revealed)
        try cohort.server.accept(revealed, from: name)
    }

    @Test("each worker reveals one share a neighbour, of the kind that the neighbour's fate asks for")
    func oneKind() throws {
        let cohort = try cohort(upTo: .reveals)
        let set = try #require(cohort.survivors)
        for (name, message) in cohort.signatures {
            let entries = try #require(cohort.workers[name]).reveal(message).entries
            #expect(Set(entries.map(\.position)).count == entries.count)
            for entry in entries {
                #expect((entry.kind == .selfSeed) == set.survivors.contains(entry.position))
                #expect((entry.kind == .maskKey) == set.dropped.contains(entry.position))
            }
        }
    }

    @Test("revealed shares of the wrong kind, peer or value do not unmask anything")
    func reveals() throws {
        var cohort = try cohort(upTo: .reveals)
        let name = cohort.names[0]
        let right = try #require(cohort.workers[name]).reveal(#require(cohort.signatures[name]))
        let first = right.entries[0]
        let otherKind = RevealedShares.Entry(
            position: first.position, kind: first.kind == .selfSeed ? .maskKey : .selfSeed, share: first.share)
        let wrongKind = RevealedShares(entries: [otherKind] + right.entries.dropFirst())
        #expect { try cohort.server.accept(wrongKind, from: name) } throws: {
            if case .malformed? = $0 as? MaskingError { true } else { false }
        }
        let fewer = RevealedShares(entries: Array(right.entries.dropFirst()))
        #expect { try cohort.server.accept(fewer, from: name) } throws: {
            if case .wrongNeighbours? = $0 as? MaskingError { true } else { false }
        }
        // A share of another secret in a survivor's place: the sum is refused instead of being wrong.
        for sender in cohort.names where cohort.signatures[sender] != nil {
            let message = try #require(cohort.workers[sender]).reveal(#require(cohort.signatures[sender]))
            let swapped = message.entries.map { entry in
                RevealedShares.Entry(position: entry.position, kind: entry.kind, share: message.entries[0].share)
            }
            try cohort.server.accept(RevealedShares(entries: swapped), from: sender)
        }
        #expect { try cohort.server.unmask() } throws: {
            if case .wrongShares? = $0 as? MaskingError { true } else { false }
        }
    }

    @Test("steps out of turn are refused on both sides")
    func outOfTurn() throws {
        var early = try cohort(upTo: .keys)
        let name = early.names[0]
        let later = try cohort(upTo: .reveals)
        var worker = try #require(early.workers[name])
        let (shares, set) = (try #require(later.shares[name]), try #require(later.survivors))
        #expect(throws: MaskingError.outOfTurn(step: "a masked vector")) {
            try worker.mask(early.words(name), with: shares)
        }
        #expect(throws: MaskingError.outOfTurn(step: "survivors")) { try worker.sign(set) }
        #expect(throws: MaskingError.outOfTurn(step: "neighbours' signatures")) {
            try worker.reveal(#require(later.signatures[name]))
        }
        #expect(throws: MaskingError.self) { try early.server.accept(vector: [1, 2, 3], from: name) }
        #expect(throws: MaskingError.outOfTurn(step: "unmasking")) { try early.server.unmask() }
        #expect(throws: MaskingError.self) { try early.server.closeVectors() }
    }

    // Bytes

    @Test("messages cut short, too long or made of anything are refused, never more")
    func bytes() throws {
        var cohort = try cohort(upTo: .reveals)
        let name = cohort.names[0]
        try cohort.revealShares()
        let keys = try #require(cohort.keys[name])
        let introduced = IntroducedNeighbours(
            keys: keys, identities: keys.neighbours.indices.map { [UInt8](repeating: UInt8($0), count: 32) })
        let messages: [([UInt8], ([UInt8]) throws -> [UInt8])] = [
            (introduced.bytes, { try IntroducedNeighbours($0).bytes }),
            (try #require(cohort.workers[name]).advertise().bytes, { try AdvertisedKeys($0).bytes }),
            (try #require(cohort.keys[name]).bytes, { try NeighbourKeys($0).bytes }),
            (try #require(cohort.transcript[name])[1], { try SealedShares($0).bytes }),
            (try #require(cohort.shares[name]).bytes, { try RoutedShares($0).bytes }),
            (try #require(cohort.survivors).bytes, { try SurvivorSet($0).bytes }),
            (try #require(cohort.signatures[name]).bytes, { try NeighbourSignatures($0).bytes }),
            (try #require(cohort.transcript[name]?.last), { try RevealedShares($0).bytes }),
        ]
        var random = SecretStream(key: [UInt8](repeating: 9, count: 32))
        for (bytes, read) in messages {
            #expect(try read(bytes) == bytes)
            for count in stride(from: 0, to: bytes.count, by: 3) {
                #expect(throws: MaskingError.self) { try read(Array(bytes[..<count])) }
            }
            #expect(throws: MaskingError.self) { try read(bytes + [0]) }
            for _ in 0..<300 {
                var changed = bytes
                changed[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                // What is still a message has one form.
                if let again = try? read(changed) { #expect(again == changed) }
            }
        }
    }
}
