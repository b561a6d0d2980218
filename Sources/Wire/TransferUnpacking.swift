import CWire

extension ObjectRequest {
    init(_ fields: Shoal__V1__ObjectRequest) throws(WireError) {
        self.init(
            object: try wireHash(fields.hash, "objectRequest.hash"),
            offset: try wireObjectBytes(fields.offset, "objectRequest.offset"),
            length: try wireCount(fields.length, "objectRequest.length", atLeast: 1))
    }
}

extension ObjectChunk {
    init(_ fields: Shoal__V1__ObjectChunk) throws(WireError) {
        self.init(
            object: try wireHash(fields.hash, "objectChunk.hash"),
            offset: try wireObjectBytes(fields.offset, "objectChunk.offset"),
            totalBytes: try wireObjectBytes(fields.total_bytes, "objectChunk.totalBytes"))
    }
}

extension UpdateBegin {
    init(_ fields: Shoal__V1__UpdateBegin) throws(WireError) {
        self.init(
            lease: fields.lease, object: try wireHash(fields.hash, "updateBegin.hash"),
            totalBytes: try wireObjectBytes(fields.total_bytes, "updateBegin.totalBytes"),
            codec: try wireCodec(fields.codec, "updateBegin.codec"))
    }
}

extension UpdateChunk {
    init(_ fields: Shoal__V1__UpdateChunk) throws(WireError) {
        self.init(lease: fields.lease, offset: try wireObjectBytes(fields.offset, "updateChunk.offset"))
    }
}

extension UpdateCommit {
    init(_ fields: Shoal__V1__UpdateCommit) throws(WireError) {
        var trainLoss: Float?
        if fields.train_loss_presence_case == SHOAL__V1__UPDATE_COMMIT__TRAIN_LOSS_PRESENCE_TRAIN_LOSS {
            trainLoss = try wireFinite(fields.train_loss, "updateCommit.trainLoss")
        }
        self.init(
            lease: fields.lease, object: try wireHash(fields.hash, "updateCommit.hash"),
            trainingItems: fields.training_items, steps: fields.steps,
            tokensTrained: fields.tokens_trained == 0 ? nil : fields.tokens_trained, trainLoss: trainLoss)
        isClipped = fields.clipped != 0
        let seconds = try wireFinite(fields.training_seconds, "updateCommit.trainingSeconds", in: 0...TaskCost.limit)
        let joules = try wireFinite(fields.energy_joules, "updateCommit.energyJoules", in: 0...TaskCost.limit)
        if seconds > 0 {
            cost = TaskCost(
                seconds: seconds, joules: joules > 0 ? joules : nil, isMeasured: fields.energy_measured != 0)
        }
    }
}

extension UpdateAck {
    init(_ fields: Shoal__V1__UpdateAck) throws(WireError) {
        let state: State
        switch fields.state_case {
        case SHOAL__V1__UPDATE_ACK__STATE_RECEIVED_THROUGH:
            state = .receivedThrough(try wireObjectBytes(fields.received_through, "updateAck.receivedThrough"))
        case SHOAL__V1__UPDATE_ACK__STATE_COMMITTED:
            guard fields.committed != 0 else { throw .malformed("updateAck.committed is false") }
            state = .committed
        case SHOAL__V1__UPDATE_ACK__STATE_REJECTED:
            let reason = try wireText(fields.rejected, "updateAck.rejected", limit: WireLimits.sentenceBytes)
            state = .rejected(reason: reason)
        default: throw .malformed("updateAck.state is missing or not known here")
        }
        let isLater = state == .committed && fields.counts_in > 0
        self.init(lease: fields.lease, state: state, countsIn: isLater ? Int(fields.counts_in) : nil)
    }
}

extension Report {
    init(_ fields: Shoal__V1__Report) throws(WireError) {
        self.init(
            lease: fields.lease, items: fields.items, lossSum: try wireFinite(fields.loss_sum, "report.lossSum"),
            squaredLossSum: try wireFinite(
                fields.squared_loss_sum, "report.squaredLossSum", in: 0...Double.greatestFiniteMagnitude))
    }
}
