internal import Coordinator
internal import Federation
internal import FoundationEssentials
internal import ModelFiles
internal import Wire

// MARK: - What must hold, whatever goes wrong
extension FaultSchedule {
    /// A message of the coordinator: nothing is acknowledged that is not in the ledger, nothing served or offered that
    /// is not published.
    func checkSent(_ envelope: Envelope, to peer: Peer) throws {
        guard case .worker(let name) = peer.role,
            let worker = (0..<plan.workers).first(where: { Self.name($0) == name })
        else { return }
        switch envelope.message {
        case .updateAck(let ack):
            guard case .committed = ack.state, let ledger else { return }
            let slot = ObservedRun.Slot(round: Int(envelope.round), attempt: Int(envelope.attempt), worker: worker)
            guard
                let row = try ledger.updates(round: slot.round, attempt: slot.attempt).first(where: {
                    $0.worker == name
                })
            else { throw Violation("\(slot) was acknowledged an update that is not in the ledger") }
            if let before = observed.acknowledged.updateValue(row.object, forKey: slot), before != row.object {
                throw Violation("\(slot) was acknowledged two updates")
            }
        case .offer(let offer):
            try checkPublications()
            try checkPaid(envelope, by: name)
            guard observed.versions.count >= envelope.round else {
                throw Violation("round \(envelope.round) was offered before the one before it was published")
            }
            guard offer.adapter == observed.versions[Int(envelope.round) - 1].object else {
                throw Violation("round \(envelope.round) was offered with another adapter than the published one")
            }
        case .objectChunk(let chunk):
            try checkPublications()
            guard
                observed.versions.contains(where: { $0.object == chunk.object })
                    || FaultTemplate.isOfModel(chunk.object)
            else { throw Violation("an object was served that was never published") }
        default: break
        }
    }

    /// Looks at every version that is new: it must be what the round's updates make of the one before, and each of those
    /// must count once.
    func checkPublications() throws {
        // Asking the ledger costs more than all the rest of an event.
        if let service, service.currentAdapter.version < observed.versions.count { return }
        guard let ledger, let store, let current = try ledger.currentAdapter()?.version else { return }
        if current + 1 < observed.versions.count {
            throw Violation("round \(observed.versions.count - 1) was published, now the newest is \(current)")
        }
        while observed.versions.count <= current {
            let version = observed.versions.count
            guard let object = try ledger.adapter(version: version) else {
                throw Violation("version \(version) is missing from the ledger")
            }
            let bytes = try store.read(object)
            guard ContentHash(of: bytes) == object else { throw Violation("version \(version) has other bytes") }
            let values = try AdapterObject.decode(bytes).values
            if version == 0 {
                guard values == Self.firstAdapter else { throw Violation("the first adapter is another one") }
            } else {
                try checkRound(version, values, ledger)
            }
            observed.versions.append(ObservedRun.Version(object: object, values: values))
            note("version \(version) is published")
        }
    }

    private func checkRound(_ round: Int, _ values: [Float], _ ledger: Ledger) throws {
        guard let attempt = try ledger.publishedRound(round)?.attempt else {
            throw Violation("round \(round) has an adapter and is not published")
        }
        let rows = try ledger.countedUpdates(in: round, attempt: attempt)
        guard plan.updatesOfRound.contains(rows.count) else {
            throw Violation("round \(round) was closed with \(rows.count) updates")
        }
        guard Set(rows.map { "\($0.record.worker) \($0.askedIn)" }).count == rows.count else {
            throw Violation("round \(round) counts an update twice")
        }
        for (slot, object) in observed.acknowledged
        where plan.kind != .buffered && slot.round == round && slot.attempt == attempt {
            guard rows.contains(where: { $0.record.worker == Self.name(slot.worker) && $0.record.object == object })
            else { throw Violation("\(slot): its acknowledged update does not count") }
        }
        var sum = [Double](repeating: 0, count: values.count)
        var weight = 0.0
        for row in rows {
            let (name, object) = (row.record.worker, row.record.object)
            guard let worker = (0..<plan.workers).first(where: { Self.name($0) == name }),
                observed.announced[worker]?.contains(object) == true, let bytes = observed.sent[object]
            else { throw Violation("round \(round) counts an update of \(name) that it did not send") }
            let slot = ObservedRun.Slot(round: row.askedIn, attempt: row.attempt, worker: worker)
            guard observed.counted[worker]?.contains(where: { $0.slot == slot }) != true else {
                throw Violation("\(slot): its update counts in two rounds")
            }
            guard round - row.askedIn <= plan.maximumStaleness || plan.kind != .buffered else {
                throw Violation("\(slot): its update counts in round \(round), \(round - row.askedIn) versions later")
            }
            let decoded = try update(bytes, of: name, slot, count: values.count)
            let items = plan.kind == .noised || plan.kind == .maskedNoise ? 1 : Double(KnownTrainer.items(worker))
            weight += items
            let discount = plan.kind == .buffered ? 1 / Double(1 + round - row.askedIn).squareRoot() : 1
            for index in values.indices { sum[index] += items * discount * Double(decoded[index]) }
            observed.counted[worker, default: []].append((slot, object))
        }
        if let noise = try promisedNoise(of: rows.count) {
            return try checkNoised(round, attempt, values, sum: sum, noise)
        }
        let before = observed.versions[round - 1].values
        if observed.velocity.isEmpty { observed.velocity = Array(repeating: 0, count: values.count) }
        for index in values.indices {
            var step = sum[index] / weight
            if plan.hasMomentum {
                observed.velocity[index] = ObservedRun.momentum * observed.velocity[index] + step
                step = observed.velocity[index]
            }
            guard abs(Double(before[index]) + step - Double(values[index])) < (plan.kind == .masked ? 3e-3 : 1e-4)
            else {
                throw Violation(
                    "round \(round) published \(values[index]) at \(index), its \(rows.count) updates make "
                        + "\(Double(before[index]) + step)")
            }
        }
        guard plan.hasGate else { return }
        let (loss, reference) = (
            KnownEvaluator.loss(values, isFirst: false), KnownEvaluator.loss(before, isFirst: round == 1)
        )
        guard loss <= reference + KnownEvaluator.tolerance else {
            throw Violation("round \(round) was published with loss \(loss) after \(reference): the gate was not asked")
        }
    }

    /// What a worker's update holds: by its bytes, or, where these are masked, by what training gave.
    private func update(
        _ bytes: [UInt8], of name: WorkerName, _ slot: ObservedRun.Slot, count: Int
    ) throws -> [Float] {
        guard !plan.isMasked else {
            return (0..<count).map {
                KnownTrainer.shift(slot.worker, round: slot.round, attempt: slot.attempt, index: $0)
            }
        }
        let seed = CodecSeed.derive(seed: plan.seed, round: slot.round, attempt: slot.attempt, worker: name)
        return try codec.decode(bytes, count: count, seed: seed)
    }

    /// After a crash: everything that was acknowledged or published is still there.
    func checkAcknowledged() throws {
        guard let ledger, let store else { return }
        let open = try ledger.openRound()
        for (slot, object) in observed.acknowledged.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            let rows = try ledger.updates(round: slot.round, attempt: slot.attempt)
            guard rows.contains(where: { $0.worker == Self.name(slot.worker) && $0.object == object }) else {
                throw Violation("\(slot): its acknowledged update is gone from the ledger")
            }
            guard let open, open.number == slot.round, open.attempt == slot.attempt else { continue }
            guard let bytes = try? store.read(object), ContentHash(of: bytes) == object else {
                guard machines[0].disk.isDown else {
                    throw Violation("\(slot): the bytes of its acknowledged update are gone")
                }
                return
            }
        }
        for (version, known) in observed.versions.enumerated() {
            guard try ledger.adapter(version: version) == known.object else {
                throw Violation("version \(version) was published, and is gone or another one now")
            }
        }
    }

    /// The run is over and nothing goes wrong any more.
    func checkEnd() throws {
        for machine in machines { machine.disk.faults = DiskFaults() }
        try checkObjects()
        try checkPublications()
        try checkAcknowledged()
        for worker in workers.indices {
            workers[worker] = nil
            machines[worker + 1].disk.crash(.powerCut)
            machines[worker + 1].disk.restart()
            try checkResidual(worker)
        }
        // Whatever the last call forgot to make durable is missing now.
        (service, ledger, store) = (nil, nil, nil)
        let machine = machines[0]
        machine.disk.crash(.powerCut)
        machine.disk.restart()
        let state = machine.disk.path + "/state"
        ledger = try Ledger(path: StateDirectory.ledger(in: state), wallClock: { 1_000 })
        store = try BlobStore(directory: state)
        try checkBudget()
        guard try ledger?.run()?.isFinished == true || isBudgetSpent else {
            throw Violation("the run's end is gone from the ledger")
        }
        guard try ledger?.maskMessageCount() == 0 else { throw Violation("messages of masks outlive their round") }
        try checkRecords()
        guard
            try AdapterDirectory.read(StateDirectory.adapter(in: state, round: nil)).values
                == observed.versions.last?.values
        else { throw Violation("the current adapter's folder holds another adapter than the last round's") }
    }

    /// A run that is over holds what its ledger needs, and nothing that an earlier process left.
    private func checkObjects() throws {
        guard case .finished = service?.outcome, let ledger, let store else { return }
        let (held, needed) = (store.objects, try ledger.neededObjects())
        guard held.isSuperset(of: needed) else { throw Violation("objects that the ledger needs are gone") }
        // What could not be removed stays until the next start.
        guard held == needed || machines[0].disk.failures > 0 else {
            throw Violation("left and not needed: \(held.subtracting(needed).map(\.description).sorted())")
        }
    }

    /// Of a buffered run: what was acknowledged counts in a version, or came after the last.
    private func checkAcknowledgedCount(_ ledger: Ledger) throws {
        guard plan.kind == .buffered else { return }
        for slot in observed.acknowledged.keys
        where observed.counted[slot.worker]?.contains(where: { $0.slot == slot }) != true {
            let waiting = try ledger.countedUpdates(in: plan.rounds + 1)
            guard waiting.contains(where: { $0.record.worker == Self.name(slot.worker) && $0.askedIn == slot.round })
            else { throw Violation("\(slot): its acknowledged update counts in no version") }
        }
    }

    private func checkRecords() throws {
        try checkPublications()
        try checkAcknowledged()
        guard observed.versions.count == plan.rounds + 1 || isBudgetSpent else {
            throw Violation("the run ended with \(observed.versions.count - 1) of \(plan.rounds) rounds")
        }
        guard let ledger else { return }
        try checkAcknowledgedCount(ledger)
        let state = machines[0].disk.path + "/state"
        if let finding = try RecordAudit(ledger: ledger, state: state).finding { throw Violation("\(finding)") }
        let records = try ledger.records()
        for worker in workers.indices {
            guard let head = try rememberedHead(worker) else { continue }
            guard records.contains(where: { $0.hash == head }) else {
                throw Violation("worker \(worker) remembers a record that the chain does not have")
            }
        }
    }

    // MARK: - Workers

    private struct RememberedRecord: Decodable { var head: String }

    private func rememberedHead(_ worker: Int) throws -> ContentHash? {
        guard !machines[worker + 1].disk.isDown,
            let text = try file("records/\(Self.run).json", of: worker)
        else { return nil }
        return ContentHash(try JSONDecoder().decode(RememberedRecord.self, from: Data(text)).head)
    }

    private struct ResidualRecord: Decodable {
        struct Update: Decodable {
            var round: Int
            var attempt: Int
            var object: String
        }

        var update: Update
        var before: String?
        var after: String
        var standing: String
    }

    /// What a worker holds back and what it has sent are, together, all that its counted rounds have learned.
    private func checkResidual(_ worker: Int) throws {
        guard plan.keepsResiduals else { return }
        let counted = observed.counted[worker] ?? []
        var expected = [Double](repeating: 0, count: Self.firstAdapter.count)
        for (slot, object) in counted {
            guard let bytes = observed.sent[object] else { continue }
            let seed = CodecSeed.derive(
                seed: plan.seed, round: slot.round, attempt: slot.attempt, worker: Self.name(worker))
            let decoded = try codec.decode(bytes, count: expected.count, seed: seed)
            for index in expected.indices {
                let shift = KnownTrainer.shift(worker, round: slot.round, attempt: slot.attempt, index: index)
                expected[index] += Double(shift) - Double(decoded[index])
            }
        }
        var held = [Double](repeating: 0, count: expected.count)
        if let text = try file("residual/residual.json", of: worker) {
            let record = try JSONDecoder().decode(ResidualRecord.self, from: Data(text))
            // The coordinator's word on the last update may have been lost with the end of the run.
            let counts = counted.contains { entry in
                entry.slot.round == record.update.round && entry.slot.attempt == record.update.attempt
                    && entry.object.description == record.update.object
            }
            if counts, record.standing == "restored" {
                throw Violation("worker \(worker) takes an update back that counts (round \(record.update.round))")
            }
            if let name = counts ? record.after : record.before {
                guard let bytes = try file("residual/\(name)", of: worker), bytes.count == 4 * held.count else {
                    throw Violation("worker \(worker) has lost its residual")
                }
                bytes.withUnsafeBytes { bytes in
                    for index in held.indices {
                        let bits = UInt32(
                            littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
                        held[index] = Double(Float(bitPattern: bits))
                    }
                }
            }
        }
        for index in held.indices where abs(held[index] - expected[index]) > 1e-4 {
            throw Violation(
                "worker \(worker) holds back \(held[index]) at \(index); what its \(counted.count) counted updates left "
                    + "out is \(expected[index])")
        }
    }

    private func file(_ name: String, of worker: Int) throws -> [UInt8]? {
        let path = "\(machines[worker + 1].disk.path)/worker/\(name)"
        guard machines[worker + 1].disk.exists(path) else { return nil }
        return try MappedFile(path: path).copy()
    }
}
