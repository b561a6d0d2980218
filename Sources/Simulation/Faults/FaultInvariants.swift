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
            guard let catchUp = offer.catchUp else { return }
            guard catchUp.version < envelope.round, catchUp.base == observed.versions[catchUp.version].object else {
                throw Violation("round \(envelope.round) was offered with changes of another adapter")
            }
            observed.changes.insert(catchUp.object)
        case .objectChunk(let chunk):
            try checkPublications()
            guard
                observed.versions.contains(where: { $0.object == chunk.object })
                    || FaultTemplate.isOfModel(chunk.object) || observed.controlObjects.contains(chunk.object)
                    || observed.changes.contains(chunk.object)
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
        var sum = [Double](repeating: 0, count: updateCount)
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
            let decoded = try update(bytes, of: name, slot)
            let items = plan.weighsAlike ? 1 : Double(KnownTrainer.items(worker))
            weight += items
            let discount = plan.kind == .buffered ? 1 / Double(1 + round - row.askedIn).squareRoot() : 1
            for index in sum.indices { sum[index] += items * discount * Double(decoded[index]) }
            observed.counted[worker, default: []].append((slot, object))
        }
        if let noise = try promisedNoise(of: rows.count) {
            return try checkNoised(round, attempt, values, sum: sum, noise)
        }
        let before = observed.versions[round - 1].values
        var steps = values.indices.map { sum[$0] / weight }
        if plan.hasMomentum {
            if observed.velocity.isEmpty { observed.velocity = Array(repeating: 0, count: steps.count) }
            steps = zip(observed.velocity, steps).map { ObservedRun.momentum * $0 + $1 }
            observed.velocity = steps
        }
        try checkStep(round, from: before, to: values, steps)
        if plan.kind == .controlled { try checkControl(round, sum: Array(sum[values.count...]), ledger) }
        guard plan.hasGate else { return }
        let (loss, reference) = (
            KnownEvaluator.loss(values, isFirst: false), KnownEvaluator.loss(before, isFirst: round == 1)
        )
        guard loss <= reference + KnownEvaluator.tolerance else {
            throw Violation("round \(round) was published with loss \(loss) after \(reference): the gate was not asked")
        }
    }

    /// What a worker's update holds: by its bytes, or, where these are masked, by what training gave.
    func update(
        _ bytes: [UInt8], of name: WorkerName, _ slot: ObservedRun.Slot
    ) throws -> [Float] {
        guard !plan.isMasked else { return trained(slot).map { Float($0) } }
        let seed = CodecSeed.derive(seed: plan.seed, round: slot.round, attempt: slot.attempt, worker: name)
        return try codec.decode(bytes, count: updateCount, seed: seed)
    }

    /// Values in an update.
    var updateCount: Int { plan.kind == .controlled ? 2 * Self.firstAdapter.count : Self.firstAdapter.count }

    /// What a worker's training makes an update of, before any codec, `[updateCount]`.
    func trained(_ slot: ObservedRun.Slot) -> [Double] {
        let shifts = Self.firstAdapter.indices.map {
            Double(KnownTrainer.shift(slot.worker, round: slot.round, attempt: slot.attempt, index: $0))
        }
        return plan.kind == .controlled ? shifts + controlChange(slot, after: shifts) : shifts
    }

    /// Looks whether a version is what its round's steps make of the one before, as far as the downlink lets them through.
    private func checkStep(_ round: Int, from before: [Float], to values: [Float], _ steps: [Double]) throws {
        if observed.leftOut.isEmpty { observed.leftOut = Array(repeating: 0, count: steps.count) }
        let wanted = zip(steps, observed.leftOut).map { $0 + $1 }
        let exact = plan.isMasked ? 3e-3 : 1e-4
        var (missed, all) = (0.0, 0.0)
        for index in values.indices {
            let change = Double(values[index]) - Double(before[index])
            let error = abs(wanted[index] - change)
            // Eight bits of a number's significand travel.
            let lost = plan.downlink == .dense ? 0 : abs(wanted[index]) / 256
            guard error < exact + lost || plan.downlink.name == "eden" else {
                throw Violation(
                    "round \(round) published \(values[index]) at \(index), its updates make "
                        + "\(Double(before[index]) + wanted[index])")
            }
            if plan.downlink.name == "bfloat16" { observed.leftOut[index] = wanted[index] - change }
            missed += error * error
            all += wanted[index] * wanted[index]
        }
        guard missed <= 0.01 * all + 1e-6 else {
            throw Violation("round \(round): its adapter misses \(missed) of \(all), squared, of what its updates make")
        }
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
        for worker in observed.enrolled {
            guard try ledger.role(of: Self.connectionKey(Self.name(worker))) == .worker(Self.name(worker)) else {
                throw Violation("worker \(worker) was told that it is enrolled, and is not")
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
            if plan.kind == .controlled { try checkOwnControl(worker) }
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

    private struct OwnRecord: Decodable {
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
        var expected = [Double](repeating: 0, count: updateCount)
        for (slot, object) in observed.counted[worker] ?? [] {
            guard let bytes = observed.sent[object] else { continue }
            let (given, decoded) = (trained(slot), try update(bytes, of: Self.name(worker), slot))
            for index in expected.indices { expected[index] += given[index] - Double(decoded[index]) }
        }
        let held = try ownVector("residual", of: worker, count: expected.count)
        for index in held.indices where abs(held[index] - expected[index]) > 1e-4 {
            throw Violation(
                "worker \(worker) holds back \(held[index]) at \(index); what its counted updates left out is "
                    + "\(expected[index])")
        }
    }

    /// A vector that a worker keeps with its updates, as far as these count; zeros if there is none.
    ///
    /// - Parameter name: Of its folder and its record.
    func ownVector(_ name: String, of worker: Int, count: Int) throws -> [Double] {
        let zeros = [Double](repeating: 0, count: count)
        guard let text = try file("\(name)/\(name).json", of: worker) else { return zeros }
        let record = try JSONDecoder().decode(OwnRecord.self, from: Data(text))
        // The coordinator's word on the last update may have been lost with the end of the run.
        let counts = (observed.counted[worker] ?? []).contains { entry in
            entry.slot.round == record.update.round && entry.slot.attempt == record.update.attempt
                && entry.object.description == record.update.object
        }
        if counts, record.standing == "restored" {
            throw Violation("worker \(worker) takes an update back that counts (round \(record.update.round))")
        }
        guard let file = counts ? record.after : record.before else { return zeros }
        guard let bytes = try self.file("\(name)/\(file)", of: worker), bytes.count == 4 * count else {
            throw Violation("worker \(worker) has lost its \(name)")
        }
        return bytes.withUnsafeBytes { bytes in
            (0..<count).map { index in
                let bits = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
                return Double(Float(bitPattern: bits))
            }
        }
    }

    private func file(_ name: String, of worker: Int) throws -> [UInt8]? {
        let path = "\(machines[worker + 1].disk.path)/worker/\(name)"
        guard machines[worker + 1].disk.exists(path) else { return nil }
        return try MappedFile(path: path).copy()
    }
}
