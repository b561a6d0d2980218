internal import Coordinator
internal import Federation
internal import ModelFiles
internal import SecureAggregation
internal import Wire

// MARK: - What must hold of masks, whatever goes wrong
extension FaultSchedule {
    /// A worker's message: in one attempt it has one set of keys, one masked update, one set of survivors that it signs,
    /// and all workers together reveal one kind of share of each other.
    func checkMasks(_ worker: Int, _ envelope: Envelope, _ payload: [UInt8]?) throws {
        let slot = ObservedRun.Slot(round: Int(envelope.round), attempt: Int(envelope.attempt), worker: worker)
        switch envelope.message {
        case .maskStep(let message):
            guard let payload, !payload.isEmpty else { return }
            let before = observed.masks[slot, default: [:]].updateValue(payload, forKey: message.step)
            guard before == nil || before == payload else {
                throw Violation("\(slot) sent two different messages of step \(message.step)")
            }
            if message.step == .reveals { try checkRevealed(payload, slot) }
        case .updateBegin(let begin): try checkMaskedUpdate(begin.object, slot)
        case .updateWhole(let commit): try checkMaskedUpdate(commit.object, slot)
        default: break
        }
    }

    private func checkMaskedUpdate(_ object: ContentHash, _ slot: ObservedRun.Slot) throws {
        let before = observed.maskedUpdates.updateValue(object, forKey: slot)
        guard before == nil || before == object else { throw Violation("\(slot) masked two updates by the same keys") }
    }

    private func checkRevealed(_ payload: [UInt8], _ slot: ObservedRun.Slot) throws {
        for entry in try RevealedShares(payload).entries {
            let place = ObservedRun.Slot(round: slot.round, attempt: slot.attempt, worker: entry.position)
            let before = observed.revealed.updateValue(entry.kind, forKey: place)
            guard before == nil || before == entry.kind else {
                throw Violation(
                    "round \(slot.round), attempt \(slot.attempt): both kinds of share of position "
                        + "\(entry.position) were revealed")
            }
        }
    }

    /// A message of the coordinator: what it acknowledges is in the ledger, and all workers are told of the same
    /// survivors.
    func checkMasksSent(_ envelope: Envelope, _ payload: [UInt8], to peer: Peer) throws {
        guard case .maskStep(let message) = envelope.message, case .worker(let name) = peer.role, let ledger else {
            return
        }
        let (round, attempt) = (Int(envelope.round), Int(envelope.attempt))
        if payload.isEmpty, message.step != .vectors {
            let rows = try ledger.maskMessages(round: round, attempt: attempt)
            let step = Int(message.step.rawValue) - 1
            guard rows.contains(where: { $0.worker == name && $0.step.rawValue == step }) else {
                throw Violation("\(name): a message of step \(message.step) was acknowledged and is not in the ledger")
            }
        }
        guard message.step == .signatures, !payload.isEmpty else { return }
        let slot = ObservedRun.Slot(round: round, attempt: attempt, worker: -1)
        let before = observed.survivors.updateValue(payload, forKey: slot)
        guard before == nil || before == payload else {
            throw Violation("round \(round), attempt \(attempt): workers were told of different survivors")
        }
    }
}
