internal import Federation

/// What a worker knows of the attempt's other workers, checked: its neighbours and nobody else.
struct Neighbourhood: Sendable {
    let message: NeighbourKeys
    let session: MaskingSession
    /// Of the worker itself.
    let position: Int
    /// Ascending by position.
    let peers: [NeighbourKeys.Neighbour]

    /// Checks that the cohort is large enough, the graph's numbers are safe under the worker's own assumptions, all
    /// keys are in one list with its own, the neighbours are those that the graph over this list gives, and each signed
    /// its keys for this attempt.
    init(
        _ message: NeighbourKeys, of own: AdvertisedKeys, in context: MaskingContext, under terms: MaskingTerms,
        identity: (WorkerName) -> [UInt8]?
    ) throws(MaskingError) {
        let cohort = message.cohort
        guard 0...Self.cohortMax ~= cohort else { throw .wrongNeighbours("a cohort of \(cohort) workers") }
        let fewest = max(2, terms.fewestSurvivors(cohort: cohort))
        guard cohort >= fewest else { throw .cohortTooSmall(have: cohort, need: fewest) }
        guard 1..<cohort ~= message.degree, 1...message.degree ~= message.threshold else {
            throw .weakDegree(cohort: cohort, degree: message.degree, threshold: message.threshold)
        }
        let degree = MaskingDegree(neighbours: message.degree, threshold: message.threshold)
        guard degree.isSecure(cohort: cohort, under: terms.assumptions) else {
            throw .weakDegree(cohort: cohort, degree: degree.neighbours, threshold: degree.threshold)
        }
        session = MaskingSession(context: context, cohort: cohort, degree: degree, root: message.root)
        guard 0..<cohort ~= message.position else { throw .wrongNeighbours("no place at \(message.position)") }
        guard session.graph.neighbours(of: message.position) == message.neighbours.map(\.position) else {
            throw .wrongNeighbours("other positions than the keys' root and the graph's numbers give")
        }
        position = message.position
        peers = message.neighbours
        self.message = message
        try Self.checkRoster(message, own: own)
        for peer in peers {
            try peer.keys.check(in: context, by: identity(peer.keys.worker))
        }
    }

    /// More than any fleet has, and little enough that a worker never computes for long on a coordinator's word.
    static let cohortMax = 1 << 20

    private static func checkRoster(_ message: NeighbourKeys, own: AdvertisedKeys) throws(MaskingError) {
        var known = message.neighbours
        known.insert(
            .init(position: message.position, keys: own),
            at: known.firstIndex { $0.position > message.position } ?? known.count)
        guard zip(known, known.dropFirst()).allSatisfy({ $0.keys.worker < $1.keys.worker }) else {
            throw .wrongRoster("names are not in order")
        }
        let root = RosterTree.root(
            of: known.map { ($0.position, $0.keys.bytes) }, count: message.cohort, proof: message.proof)
        guard root == message.root else { throw .wrongRoster("the proof leads elsewhere") }
    }

    func pairSeed(with other: Int, own: AgreementKey) throws(MaskingError) -> [UInt8] {
        guard let peer = peers.first(where: { $0.position == other }) else {
            throw .wrongNeighbours("\(other) is no neighbour")
        }
        guard let seed = session.pairSeed(of: own, at: position, with: peer.keys.maskKey, at: other) else {
            throw .weakKey(peer.keys.worker)
        }
        return seed
    }

    /// - Returns: The shares by position of who sent them.
    func open(_ message: RoutedShares, with shareKey: AgreementKey) throws(MaskingError) -> [Int: HeldShares] {
        var shares: [Int: HeldShares] = [:]
        for box in message.boxes {
            guard let peer = peers.first(where: { $0.position == box.position }), shares[box.position] == nil else {
                throw .wrongNeighbours("shares of \(box.position), which is no neighbour or came twice")
            }
            guard
                let opening = ShareBox(
                    session, own: shareKey, other: peer.keys.shareKey, from: peer.position, to: position)
            else { throw .weakKey(peer.keys.worker) }
            guard let held = opening.open(box.sealed) else { throw .sealedShareRefused(from: peer.keys.worker) }
            shares[box.position] = held
        }
        return shares
    }

    /// - Parameters:
    ///   - sharing: Neighbours whose shares the worker holds, by position.
    ///   - own: The worker itself.
    func check(
        _ set: SurvivorSet, sharing: Set<Int>, minimum: Int, own: WorkerName
    ) throws(MaskingError) {
        guard set.cohort == session.cohort else { throw .malformed("survivors of a cohort of \(set.cohort)") }
        let (survivors, dropped) = (Set(set.survivors), Set(set.dropped))
        for peer in peers {
            let isSurvivor = survivors.contains(peer.position)
            let isDropped = dropped.contains(peer.position)
            if isSurvivor && isDropped { throw .bothKindsAsked(peer.keys.worker) }
            guard (isSurvivor || isDropped) == sharing.contains(peer.position) else {
                throw .unaccounted(peer.keys.worker)
            }
        }
        guard survivors.isDisjoint(with: dropped) else {
            throw .malformed("a set of survivors that counts a worker as dropped too")
        }
        guard survivors.contains(position) else { throw .notCounted }
        let need = max(2, minimum)
        guard survivors.count >= need else { throw .tooFewSurvivors(have: survivors.count, need: need) }
        let living = survivors.intersection(sharing).count
        guard living >= session.degree.threshold else {
            throw .tooFewSharingNeighbours(own, have: living, need: session.degree.threshold)
        }
    }

    /// Only neighbours that survived count: a dropped one has nothing to sign.
    func check(
        _ message: NeighbourSignatures, of set: SurvivorSet, sharing: Set<Int>, identity: (WorkerName) -> [UInt8]?
    ) throws(MaskingError) {
        let signed = set.signed(in: session)
        let living = Set(set.survivors).intersection(sharing)
        var signers: Set<Int> = []
        for entry in message.entries {
            guard living.contains(entry.position), let peer = peers.first(where: { $0.position == entry.position })
            else { throw .wrongNeighbours("a signature of \(entry.position), which is no surviving neighbour") }
            guard let key = identity(peer.keys.worker),
                IdentitySignature.isValid(entry.signature.bytes, of: signed, by: key)
            else { throw .badSignature(peer.keys.worker) }
            signers.insert(entry.position)
        }
        guard signers.count >= session.degree.threshold else {
            throw .tooFewSignatures(have: signers.count, need: session.degree.threshold)
        }
    }
}
