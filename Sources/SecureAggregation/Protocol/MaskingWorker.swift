public import Federation

/// A worker's side of one masked sum (SecAgg+, Bell et al. 2020; Bonawitz et al. 2017), as a value: messages in,
/// messages out, no input or output of its own and no clock.
///
/// The steps in order: ``advertise()``, ``share(_:)``, ``mask(_:with:)``, ``sign(_:)``, ``reveal(_:)``. Each answers
/// the same message again in the same way and refuses a different one, so a worker that lost its process replays what
/// it kept (the attempt's secret, the coordinator's messages) and goes on; of the masked vector,
/// ``resumeMasked(with:)`` takes the place, because masks are for one vector only and training again need not give the
/// same one.
///
/// What it guards: the coordinator follows the protocol and may collude with as many workers as
/// ``MaskingAssumptions`` says. Beyond that it refuses keys that their owner did not sign for this very attempt, graphs
/// that are weaker than its own assumptions or not made from the keys, sets of survivors that are too small, that leave
/// it or a neighbour unaccounted for or that t of its neighbours did not sign too, and every second question. It cannot
/// tell workers that a coordinator invented from real ones: that takes identities vouched for by somebody else.
public struct MaskingWorker: Sendable {
    public let name: WorkerName
    let context: MaskingContext
    let terms: MaskingTerms
    private let secrets: WorkerSecrets
    private let signing: @Sendable ([UInt8]) throws -> [UInt8]
    private let identity: @Sendable (WorkerName) -> [UInt8]?
    private let advertised: AdvertisedKeys
    private var neighbourhood: Neighbourhood?
    private var sealed: SealedShares?
    /// Of the neighbours that shared, by position.
    private var held: [Int: HeldShares] = [:]
    private var hasMasked = false
    private var survivors: SurvivorSet?

    /// - Parameters:
    ///   - secret: 32 bytes of a cryptographic generator, for this attempt alone; everything else follows from it.
    ///   - terms: With the worker's own minimum cohort, where that is more than the run's.
    ///   - signing: Signs with the worker's Ed25519 identity.
    ///   - identity: The Ed25519 public key that the worker knows of another one, 32 bytes.
    /// - Throws: ``MaskingError/cannotSign(_:)``.
    public init(
        _ name: WorkerName, in context: MaskingContext, under terms: MaskingTerms, secret: [UInt8],
        signing: @escaping @Sendable ([UInt8]) throws -> [UInt8],
        identity: @escaping @Sendable (WorkerName) -> [UInt8]?
    ) throws(MaskingError) {
        self.name = name
        self.context = context
        self.terms = terms
        self.signing = signing
        self.identity = identity
        secrets = WorkerSecrets(attemptSecret: secret, context: context)
        let (maskKey, shareKey) = (secrets.maskKey.publicKey, secrets.shareKey.publicKey)
        let message = AdvertisedKeys.signed(name, maskKey: maskKey, shareKey: shareKey, in: context)
        advertised = AdvertisedKeys(
            worker: name, maskKey: maskKey, shareKey: shareKey, signature: try Self.sign(message, signing))
    }

    /// First step: the attempt's public keys.
    public func advertise() -> AdvertisedKeys { advertised }

    /// Second step: shares of both secrets for every neighbour, each sealed for it alone.
    public mutating func share(_ message: NeighbourKeys) throws(MaskingError) -> SealedShares {
        if let sealed, let neighbourhood {
            guard neighbourhood.message == message else { throw .repeatedDifferently(name, step: "neighbours' keys") }
            return sealed
        }
        let checked = try Neighbourhood(
            message, of: advertised, in: context, under: terms, identity: identity)
        let shares = try sealShares(for: checked)
        neighbourhood = checked
        sealed = shares
        return shares
    }

    /// Third step: the update under its own mask and those shared with each neighbour.
    ///
    /// - Parameters:
    ///   - words: Of ``WeightedQuantisation/words(_:weight:rounding:)``, `[parameterCount + 1]`.
    ///   - message: The neighbours' sealed shares; those who sent none dropped out.
    /// - Returns: The packed vector; ``MaskingTerms/vectorBytes(cohort:)`` bytes. To be kept before it is sent.
    /// - Throws: ``MaskingError/alreadyMasked`` the second time, among others.
    public mutating func mask(_ words: [UInt32], with message: RoutedShares) throws(MaskingError) -> [UInt8] {
        guard words.count == terms.parameterCount + 1 else {
            throw .wrongParameterCount(have: words.count - 1, need: terms.parameterCount)
        }
        guard let neighbourhood, let session = sessionShared else { throw .outOfTurn(step: "a masked vector") }
        try resumeMasked(with: message)
        var words = words
        MaskStream.apply(
            session.selfMaskKey(secrets.selfSeed, at: neighbourhood.position), .add, to: &words)
        for position in held.keys.sorted() {
            let seed = try neighbourhood.pairSeed(with: position, own: secrets.maskKey)
            MaskStream.apply(seed, neighbourhood.position < position ? .add : .subtract, to: &words)
        }
        return PackedWords.pack(words, bits: try terms.quantisation.bits(cohort: session.cohort))
    }

    /// Takes the shares in without masking anything: for a worker that comes back with a masked vector it kept.
    public mutating func resumeMasked(with message: RoutedShares) throws(MaskingError) {
        guard let neighbourhood, sealed != nil else { throw .outOfTurn(step: "neighbours' shares") }
        guard !hasMasked else { throw .alreadyMasked }
        let shares = try neighbourhood.open(message, with: secrets.shareKey)
        guard shares.count >= neighbourhood.session.degree.threshold else {
            throw .tooFewSharingNeighbours(
                name, have: shares.count, need: neighbourhood.session.degree.threshold)
        }
        held = shares
        hasMasked = true
    }

    /// Fourth step: signs who survived, once.
    public mutating func sign(_ message: SurvivorSet) throws(MaskingError) -> SurvivorSignature {
        guard hasMasked, let neighbourhood, let session = sessionShared else { throw .outOfTurn(step: "survivors") }
        if let survivors, survivors != message { throw .otherSurvivors }
        try neighbourhood.check(
            message, sharing: Set(held.keys), minimum: terms.fewestSurvivors(cohort: session.cohort), own: name)
        let signature = try SurvivorSignature(try Self.sign(message.signed(in: session), signing))
        survivors = message
        return signature
    }

    /// Last step: one share of each neighbour, once the threshold's number of neighbours signed the same survivors.
    public func reveal(_ message: NeighbourSignatures) throws(MaskingError) -> RevealedShares {
        guard let survivors, let neighbourhood else { throw .outOfTurn(step: "neighbours' signatures") }
        try neighbourhood.check(message, of: survivors, sharing: Set(held.keys), identity: identity)
        let living = Set(survivors.survivors)
        return RevealedShares(
            entries: held.sorted { $0.key < $1.key }.map { position, shares in
                let isLiving = living.contains(position)
                return RevealedShares.Entry(
                    position: position, kind: isLiving ? .selfSeed : .maskKey,
                    share: isLiving ? shares.selfSeed : shares.maskKey)
            })
    }

    /// How the vector's integers are made.
    public var quantisation: WeightedQuantisation { terms.quantisation }

    private var sessionShared: MaskingSession? { sealed == nil ? nil : neighbourhood?.session }

    private func sealShares(for neighbourhood: Neighbourhood) throws(MaskingError) -> SealedShares {
        let session = neighbourhood.session
        var random = SecretStream(key: secrets.polynomialKey(session))
        let points = neighbourhood.peers.map { MaskingSession.point(of: $0.position) }
        let threshold = session.degree.threshold
        let maskKey = SecretSharing.split(
            secrets.maskKey.secret, threshold: threshold, points: points, using: &random)
        let selfSeed = SecretSharing.split(secrets.selfSeed, threshold: threshold, points: points, using: &random)
        var boxes: [RoutedShares.Box] = []
        for (index, peer) in neighbourhood.peers.enumerated() {
            guard
                let box = ShareBox(
                    session, own: secrets.shareKey, other: peer.keys.shareKey, from: neighbourhood.position,
                    to: peer.position)
            else { throw .weakKey(peer.keys.worker) }
            boxes.append(
                .init(position: peer.position, sealed: box.seal(maskKey: maskKey[index], selfSeed: selfSeed[index])))
        }
        return SealedShares(
            commitment: session.commitment(to: secrets.selfSeed, at: neighbourhood.position), boxes: boxes)
    }

    private static func sign(_ message: [UInt8], _ signing: ([UInt8]) throws -> [UInt8]) throws(MaskingError) -> [UInt8]
    {
        do {
            let signature = try signing(message)
            guard signature.count == IdentitySignature.byteCount else {
                throw MaskingError.cannotSign("a signature of \(signature.count) bytes")
            }
            return signature
        } catch let error as MaskingError {
            throw error
        } catch {
            throw .cannotSign("\(error)")
        }
    }
}
