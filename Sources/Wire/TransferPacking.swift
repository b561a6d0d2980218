import CWire
import Federation
import ModelFiles

extension ObjectRequest {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__ObjectRequest> {
        let fields = arena.message(shoal__v1__object_request__init)
        fields.pointee.hash = arena.bytes(object.bytes)
        fields.pointee.offset = offset
        fields.pointee.length = length
        return fields
    }
}

extension ObjectChunk {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__ObjectChunk> {
        let fields = arena.message(shoal__v1__object_chunk__init)
        fields.pointee.hash = arena.bytes(object.bytes)
        fields.pointee.offset = offset
        fields.pointee.total_bytes = totalBytes
        return fields
    }
}

extension UpdateBegin {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__UpdateBegin> {
        let fields = arena.message(shoal__v1__update_begin__init)
        fields.pointee.lease = lease
        fields.pointee.hash = arena.bytes(object.bytes)
        fields.pointee.total_bytes = totalBytes
        fields.pointee.codec = arena.text(codec.description)
        return fields
    }
}

extension UpdateChunk {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__UpdateChunk> {
        let fields = arena.message(shoal__v1__update_chunk__init)
        fields.pointee.lease = lease
        fields.pointee.offset = offset
        return fields
    }
}

extension UpdateCommit {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__UpdateCommit> {
        let fields = arena.message(shoal__v1__update_commit__init)
        fields.pointee.lease = lease
        fields.pointee.hash = arena.bytes(object.bytes)
        fields.pointee.training_items = trainingItems
        fields.pointee.steps = steps
        fields.pointee.tokens_trained = tokensTrained ?? 0
        if let trainLoss {
            fields.pointee.train_loss_presence_case = SHOAL__V1__UPDATE_COMMIT__TRAIN_LOSS_PRESENCE_TRAIN_LOSS
            fields.pointee.train_loss = trainLoss
        }
        fields.pointee.clipped = isClipped ? 1 : 0
        if let cost {
            fields.pointee.training_seconds = cost.seconds
            fields.pointee.energy_joules = cost.joules ?? 0
            fields.pointee.energy_measured = cost.isMeasured ? 1 : 0
        }
        return fields
    }
}

extension UpdateAck {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__UpdateAck> {
        let fields = arena.message(shoal__v1__update_ack__init)
        fields.pointee.lease = lease
        switch state {
        case .receivedThrough(let offset):
            fields.pointee.state_case = SHOAL__V1__UPDATE_ACK__STATE_RECEIVED_THROUGH
            fields.pointee.received_through = offset
        case .committed:
            fields.pointee.state_case = SHOAL__V1__UPDATE_ACK__STATE_COMMITTED
            fields.pointee.committed = 1
            fields.pointee.counts_in = UInt32(clamping: countsIn ?? 0)
        case .rejected(let reason):
            fields.pointee.state_case = SHOAL__V1__UPDATE_ACK__STATE_REJECTED
            fields.pointee.rejected = arena.sentence(reason)
        }
        return fields
    }
}

extension Report {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Report> {
        let fields = arena.message(shoal__v1__report__init)
        fields.pointee.lease = lease
        fields.pointee.items = items
        fields.pointee.loss_sum = lossSum
        fields.pointee.squared_loss_sum = squaredLossSum
        return fields
    }
}
