import CWire
import Federation
import ModelFiles

extension Message {
    init(_ fields: borrowing Shoal__V1__Envelope) throws(WireError) {
        switch fields.message_case {
        case SHOAL__V1__ENVELOPE__MESSAGE_ENROL: self = .enrol(try Enrol(try present(fields.enrol, "enrol")))
        case SHOAL__V1__ENVELOPE__MESSAGE_ENROLLED:
            let message = try present(fields.enrolled, "enrolled")
            self = .enrolled(Enrolled(worker: try wireWorker(message.worker, "enrolled.worker")))
        case SHOAL__V1__ENVELOPE__MESSAGE_HELLO: self = .hello(try Hello(try present(fields.hello, "hello")))
        case SHOAL__V1__ENVELOPE__MESSAGE_WELCOME: self = .welcome(try Welcome(try present(fields.welcome, "welcome")))
        case SHOAL__V1__ENVELOPE__MESSAGE_REFUSED: self = .refused(try Refused(try present(fields.refused, "refused")))
        case SHOAL__V1__ENVELOPE__MESSAGE_HEARTBEAT:
            self = .heartbeat(try Heartbeat(try present(fields.heartbeat, "heartbeat")))
        case SHOAL__V1__ENVELOPE__MESSAGE_OFFER: self = .offer(try Offer(try present(fields.offer, "offer")))
        case SHOAL__V1__ENVELOPE__MESSAGE_ACCEPT:
            let message = try present(fields.accept, "accept")
            self = .accept(
                Accept(
                    lease: message.lease, adapterCredit: message.adapter_credit, catchesUp: message.catches_up != 0))
        case SHOAL__V1__ENVELOPE__MESSAGE_DECLINE:
            let message = try present(fields.decline, "decline")
            let reason = try wireText(message.reason, "decline.reason", limit: WireLimits.sentenceBytes)
            self = .decline(Decline(lease: message.lease, reason: reason))
        case SHOAL__V1__ENVELOPE__MESSAGE_CANCEL:
            let message = try present(fields.cancel, "cancel")
            let reason = try wireText(message.reason, "cancel.reason", limit: WireLimits.sentenceBytes)
            self = .cancel(Cancel(lease: message.lease, reason: reason))
        case SHOAL__V1__ENVELOPE__MESSAGE_GOODBYE:
            let message = try present(fields.goodbye, "goodbye")
            let reason = try wireText(message.reason, "goodbye.reason", limit: WireLimits.sentenceBytes)
            self = .goodbye(Goodbye(reason: reason, isRunFinished: message.is_run_finished != 0))
        default: self = try Message(transferOf: fields)
        }
    }

    /// The messages that move objects and updates.
    private init(transferOf fields: borrowing Shoal__V1__Envelope) throws(WireError) {
        switch fields.message_case {
        case SHOAL__V1__ENVELOPE__MESSAGE_OBJECT_REQUEST:
            self = .objectRequest(try ObjectRequest(try present(fields.object_request, "objectRequest")))
        case SHOAL__V1__ENVELOPE__MESSAGE_OBJECT_CHUNK:
            self = .objectChunk(try ObjectChunk(try present(fields.object_chunk, "objectChunk")))
        case SHOAL__V1__ENVELOPE__MESSAGE_UPDATE_BEGIN:
            self = .updateBegin(try UpdateBegin(try present(fields.update_begin, "updateBegin")))
        case SHOAL__V1__ENVELOPE__MESSAGE_UPDATE_CHUNK:
            self = .updateChunk(try UpdateChunk(try present(fields.update_chunk, "updateChunk")))
        case SHOAL__V1__ENVELOPE__MESSAGE_UPDATE_COMMIT:
            self = .updateCommit(try UpdateCommit(try present(fields.update_commit, "updateCommit")))
        case SHOAL__V1__ENVELOPE__MESSAGE_UPDATE_WHOLE:
            self = .updateWhole(try UpdateCommit(try present(fields.update_whole, "updateWhole")))
        case SHOAL__V1__ENVELOPE__MESSAGE_UPDATE_ACK:
            self = .updateAck(try UpdateAck(try present(fields.update_ack, "updateAck")))
        case SHOAL__V1__ENVELOPE__MESSAGE_REPORT: self = .report(try Report(try present(fields.report, "report")))
        default: self = try Message(secureAggregationOf: fields)
        }
    }

    /// Signed records and secure aggregation.
    private init(secureAggregationOf fields: borrowing Shoal__V1__Envelope) throws(WireError) {
        switch fields.message_case {
        case SHOAL__V1__ENVELOPE__MESSAGE_RECORD_HEAD:
            self = .recordHead(try RecordHead(try present(fields.record_head, "recordHead")))
        case SHOAL__V1__ENVELOPE__MESSAGE_COUNTERSIGN:
            self = .countersign(try Countersign(try present(fields.countersign, "countersign")))
        case SHOAL__V1__ENVELOPE__MESSAGE_MASK_STEP:
            self = .maskStep(try MaskStep(try present(fields.mask_step, "maskStep")))
        default: throw .unknownMessage(id: fields.id)
        }
    }
}

extension Enrol {
    fileprivate init(_ fields: Shoal__V1__Enrol) throws(WireError) {
        self.init(
            curveKey: try wireKey(fields.curve_key, "enrol.curveKey"),
            signingKey: try wireKey(fields.signing_key, "enrol.signingKey"))
    }
}

extension Hello {
    fileprivate init(_ fields: Shoal__V1__Hello) throws(WireError) {
        var codecs: [CodecName] = []
        let texts = try wireTexts(
            fields.codecs, count: fields.n_codecs, "hello.codecs", limit: WireLimits.nameBytes,
            countLimit: WireLimits.featureCount)
        for text in texts {
            guard let codec = CodecName(text) else { throw .malformed("hello.codecs holds what is not a codec") }
            codecs.append(codec)
        }
        var baseModel: ContentHash?
        if fields.base_model_presence_case == SHOAL__V1__HELLO__BASE_MODEL_PRESENCE_BASE_MODEL {
            baseModel = try wireHash(fields.base_model, "hello.baseModel")
        }
        let known = try fields.known_record.map { (fields) throws(WireError) in try KnownRecord(fields.pointee) }
        self.init(
            software: try wireText(fields.software, "hello.software", limit: WireLimits.labelBytes),
            features: try wireTexts(
                fields.features, count: fields.n_features, "hello.features", limit: WireLimits.labelBytes,
                countLimit: WireLimits.featureCount),
            codecs: codecs, cores: fields.cores, memoryBytes: fields.memory_bytes, baseModel: baseModel,
            knownRecord: known)
        gigaflops = try wireFinite(fields.gigaflops, "hello.gigaflops")
        guard gigaflops >= 0 else { throw .malformed("hello.gigaflops is below 0") }
    }
}

extension Welcome {
    fileprivate init(_ fields: Shoal__V1__Welcome) throws(WireError) {
        var recordKey: PublicKey?
        if fields.record_key_presence_case == SHOAL__V1__WELCOME__RECORD_KEY_PRESENCE_RECORD_KEY {
            recordKey = try wireKey(fields.record_key, "welcome.recordKey")
        }
        let head = try fields.record_head.map { (fields) throws(WireError) in try RecordHead(fields.pointee) }
        self.init(
            software: try wireText(fields.software, "welcome.software", limit: WireLimits.labelBytes),
            features: try wireTexts(
                fields.features, count: fields.n_features, "welcome.features", limit: WireLimits.labelBytes,
                countLimit: WireLimits.featureCount),
            worker: try wireWorker(fields.worker, "welcome.worker"),
            heartbeatMilliseconds: try wireCount(
                fields.heartbeat_milliseconds, "welcome.heartbeatMilliseconds", atLeast: 1),
            baseModel: try wireHash(fields.base_model, "welcome.baseModel"),
            sequenceLength: try wireCount(fields.sequence_length, "welcome.sequenceLength", atLeast: 1),
            recordKey: recordKey, recordHead: head)
    }
}

extension Refused {
    fileprivate init(_ fields: Shoal__V1__Refused) throws(WireError) {
        guard let code = Code(rawValue: fields.code.rawValue) else {
            throw unknownValue(fields.code.rawValue, "refused.code")
        }
        self.init(
            code: code, reason: try wireText(fields.reason, "refused.reason", limit: WireLimits.sentenceBytes),
            isTemporary: fields.is_temporary != 0)
    }
}

extension Heartbeat {
    fileprivate init(_ fields: Shoal__V1__Heartbeat) throws(WireError) {
        guard let phase = Phase(rawValue: fields.phase.rawValue) else {
            throw unknownValue(fields.phase.rawValue, "heartbeat.phase")
        }
        var loss: Float?
        if fields.loss_presence_case == SHOAL__V1__HEARTBEAT__LOSS_PRESENCE_LOSS {
            loss = try wireFinite(fields.loss, "heartbeat.loss")
        }
        self.init(
            phase: phase, lease: fields.lease, step: fields.step, totalSteps: fields.total_steps, loss: loss)
        waitsForSlot = fields.waits_for_slot != 0
        guard fields.next_key.len > 0 else { return }
        nextKey = NextKey(key: try wireKey(fields.next_key, "heartbeat.next_key"))
        guard fields.next_key_signature.len > 0 else { return }
        nextKey?.signature = try wireBytes(fields.next_key_signature, "heartbeat.next_key_signature", count: 64)
    }
}
