internal import Federation

/// Uncovers the survivors' self seeds and the dropped workers' mask keys from the revealed shares, and takes what
/// follows from them off the sum.
struct MaskRemoval {
    private let roster: Roster
    private let survivors: SurvivorSet
    /// Shares of each position, by the point where they lie, ascending.
    private let shares: [Int: [(point: UInt32, share: SecretShare)]]

    init(roster: Roster, survivors: SurvivorSet, revealed: [Int: RevealedShares]) {
        self.roster = roster
        self.survivors = survivors
        var shares: [Int: [(point: UInt32, share: SecretShare)]] = [:]
        for (holder, message) in revealed.sorted(by: { $0.key < $1.key }) {
            for entry in message.entries {
                shares[entry.position, default: []].append((MaskingSession.point(of: holder), entry.share))
            }
        }
        self.shares = shares
    }

    /// - Parameters:
    ///   - sum: Of the survivors' masked vectors.
    ///   - keys: As advertised; what is uncovered must belong to them.
    ///   - commitments: To the self seeds, by position.
    func remove(
        from sum: [UInt32], keys: [WorkerName: AdvertisedKeys], commitments: [Int: [UInt8]]
    ) throws(MaskingError) -> [UInt32] {
        let session = roster.session
        var sum = sum
        for position in survivors.survivors {
            let seed = try secret(of: position)
            guard session.commitment(to: seed, at: position) == commitments[position] else {
                throw .wrongShares(of: roster.name(position))
            }
            MaskStream.apply(session.selfMaskKey(seed, at: position), .subtract, to: &sum)
        }
        let living = Set(survivors.survivors)
        for position in survivors.dropped {
            let name = roster.name(position)
            let key = AgreementKey(secret: try secret(of: position))
            guard key.publicKey == keys[name]?.maskKey else { throw .wrongShares(of: name) }
            for neighbour in roster.neighbours[position] where living.contains(neighbour) {
                let other = roster.entries[neighbour]
                guard let seed = session.pairSeed(of: key, at: position, with: other.maskKey, at: neighbour) else {
                    throw .weakKey(other.worker)
                }
                // The one at the lower position had added it.
                MaskStream.apply(seed, neighbour < position ? .subtract : .add, to: &sum)
            }
        }
        return sum
    }

    private func secret(of position: Int) throws(MaskingError) -> [UInt8] {
        let threshold = roster.session.degree.threshold
        let found = shares[position] ?? []
        guard found.count >= threshold else {
            throw .unrecoverable(roster.name(position), have: found.count, need: threshold)
        }
        guard let secret = SecretSharing.combine(Array(found.prefix(threshold))) else {
            throw .wrongShares(of: roster.name(position))
        }
        return secret
    }
}
