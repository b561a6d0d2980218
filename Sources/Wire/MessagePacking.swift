import CWire
import Federation
import ModelFiles

extension Message {
    /// Sets the envelope's message.
    func pack(into root: UnsafeMutablePointer<Shoal__V1__Envelope>, in arena: inout PackingArena) {
        switch self {
        case .enrol(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_ENROL
            root.pointee.enrol = message.packed(in: &arena)
        case .enrolled(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_ENROLLED
            root.pointee.enrolled = message.packed(in: &arena)
        case .hello(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_HELLO
            root.pointee.hello = message.packed(in: &arena)
        case .welcome(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_WELCOME
            root.pointee.welcome = message.packed(in: &arena)
        case .refused(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_REFUSED
            root.pointee.refused = message.packed(in: &arena)
        case .heartbeat(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_HEARTBEAT
            root.pointee.heartbeat = message.packed(in: &arena)
        case .offer(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_OFFER
            root.pointee.offer = message.packed(in: &arena)
        case .accept(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_ACCEPT
            root.pointee.accept = message.packed(in: &arena)
        case .decline(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_DECLINE
            root.pointee.decline = message.packed(in: &arena)
        case .cancel(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_CANCEL
            root.pointee.cancel = message.packed(in: &arena)
        case .goodbye(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_GOODBYE
            root.pointee.goodbye = message.packed(in: &arena)
        default: packTransfer(into: root, in: &arena)
        }
    }

    private func packTransfer(into root: UnsafeMutablePointer<Shoal__V1__Envelope>, in arena: inout PackingArena) {
        switch self {
        case .objectRequest(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_OBJECT_REQUEST
            root.pointee.object_request = message.packed(in: &arena)
        case .objectChunk(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_OBJECT_CHUNK
            root.pointee.object_chunk = message.packed(in: &arena)
        case .updateBegin(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_UPDATE_BEGIN
            root.pointee.update_begin = message.packed(in: &arena)
        case .updateChunk(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_UPDATE_CHUNK
            root.pointee.update_chunk = message.packed(in: &arena)
        case .updateCommit(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_UPDATE_COMMIT
            root.pointee.update_commit = message.packed(in: &arena)
        case .updateWhole(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_UPDATE_WHOLE
            root.pointee.update_whole = message.packed(in: &arena)
        case .updateAck(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_UPDATE_ACK
            root.pointee.update_ack = message.packed(in: &arena)
        case .report(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_REPORT
            root.pointee.report = message.packed(in: &arena)
        case .recordHead(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_RECORD_HEAD
            root.pointee.record_head = message.packed(in: &arena)
        case .countersign(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_COUNTERSIGN
            root.pointee.countersign = message.packed(in: &arena)
        case .maskStep(let message):
            root.pointee.message_case = SHOAL__V1__ENVELOPE__MESSAGE_MASK_STEP
            root.pointee.mask_step = message.packed(in: &arena)
        default: preconditionFailure("\(kind) is packed by its other half")
        }
    }
}

extension Enrol {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Enrol> {
        let fields = arena.message(shoal__v1__enrol__init)
        fields.pointee.curve_key = arena.bytes(curveKey.bytes)
        fields.pointee.signing_key = arena.bytes(signingKey.bytes)
        return fields
    }
}

extension Enrolled {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Enrolled> {
        let fields = arena.message(shoal__v1__enrolled__init)
        fields.pointee.worker = arena.text(worker.text)
        return fields
    }
}

extension Hello {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Hello> {
        let fields = arena.message(shoal__v1__hello__init)
        fields.pointee.software = arena.sentence(software, limit: WireLimits.labelBytes)
        fields.pointee.features = arena.texts(features)
        fields.pointee.n_features = features.count
        fields.pointee.codecs = arena.texts(codecs.map(\.description))
        fields.pointee.n_codecs = codecs.count
        fields.pointee.cores = cores
        fields.pointee.memory_bytes = memoryBytes
        fields.pointee.gigaflops = gigaflops
        if let baseModel {
            fields.pointee.base_model_presence_case = SHOAL__V1__HELLO__BASE_MODEL_PRESENCE_BASE_MODEL
            fields.pointee.base_model = arena.bytes(baseModel.bytes)
        }
        if let knownRecord { fields.pointee.known_record = knownRecord.packed(in: &arena) }
        return fields
    }
}

extension Welcome {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Welcome> {
        let fields = arena.message(shoal__v1__welcome__init)
        fields.pointee.software = arena.sentence(software, limit: WireLimits.labelBytes)
        fields.pointee.features = arena.texts(features)
        fields.pointee.n_features = features.count
        fields.pointee.worker = arena.text(worker.text)
        fields.pointee.heartbeat_milliseconds = heartbeatMilliseconds
        fields.pointee.base_model = arena.bytes(baseModel.bytes)
        fields.pointee.sequence_length = sequenceLength
        if let recordKey {
            fields.pointee.record_key_presence_case = SHOAL__V1__WELCOME__RECORD_KEY_PRESENCE_RECORD_KEY
            fields.pointee.record_key = arena.bytes(recordKey.bytes)
        }
        if let recordHead { fields.pointee.record_head = recordHead.packed(in: &arena) }
        return fields
    }
}

extension Refused {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Refused> {
        let fields = arena.message(shoal__v1__refused__init)
        fields.pointee.code = Shoal__V1__Refused__Code(rawValue: code.rawValue)
        fields.pointee.reason = arena.sentence(reason)
        fields.pointee.is_temporary = isTemporary ? 1 : 0
        return fields
    }
}

extension Heartbeat {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Heartbeat> {
        let fields = arena.message(shoal__v1__heartbeat__init)
        fields.pointee.phase = Shoal__V1__Heartbeat__Phase(rawValue: phase.rawValue)
        fields.pointee.lease = lease
        fields.pointee.step = step
        fields.pointee.total_steps = totalSteps
        if let loss, loss.isFinite {
            fields.pointee.loss_presence_case = SHOAL__V1__HEARTBEAT__LOSS_PRESENCE_LOSS
            fields.pointee.loss = loss
        }
        fields.pointee.waits_for_slot = waitsForSlot ? 1 : 0
        if let nextKey { fields.pointee.next_key = arena.bytes(nextKey.key.bytes) }
        if let signature = nextKey?.signature { fields.pointee.next_key_signature = arena.bytes(signature) }
        return fields
    }
}

extension Accept {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Accept> {
        let fields = arena.message(shoal__v1__accept__init)
        fields.pointee.lease = lease
        fields.pointee.adapter_credit = adapterCredit
        fields.pointee.catches_up = catchesUp ? 1 : 0
        return fields
    }
}

extension Decline {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Decline> {
        let fields = arena.message(shoal__v1__decline__init)
        fields.pointee.lease = lease
        fields.pointee.reason = arena.sentence(reason)
        return fields
    }
}

extension Cancel {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Cancel> {
        let fields = arena.message(shoal__v1__cancel__init)
        fields.pointee.lease = lease
        fields.pointee.reason = arena.sentence(reason)
        return fields
    }
}

extension Goodbye {
    fileprivate func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Goodbye> {
        let fields = arena.message(shoal__v1__goodbye__init)
        fields.pointee.reason = arena.sentence(reason)
        fields.pointee.is_run_finished = isRunFinished ? 1 : 0
        return fields
    }
}
