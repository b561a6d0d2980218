extension Message {
    /// The message's name in `proto/shoal.proto`.
    public var kind: String {
        switch self {
        case .enrol: "Enrol"
        case .enrolled: "Enrolled"
        case .hello: "Hello"
        case .welcome: "Welcome"
        case .refused: "Refused"
        case .heartbeat: "Heartbeat"
        case .offer: "Offer"
        case .accept: "Accept"
        case .decline: "Decline"
        case .objectRequest: "ObjectRequest"
        case .objectChunk: "ObjectChunk"
        case .updateBegin: "UpdateBegin"
        case .updateChunk: "UpdateChunk"
        case .updateCommit: "UpdateCommit"
        case .updateWhole: "UpdateWhole"
        case .updateAck: "UpdateAck"
        case .report: "Report"
        case .recordHead: "RecordHead"
        case .countersign: "Countersign"
        case .maskStep: "MaskStep"
        case .cancel: "Cancel"
        case .goodbye: "Goodbye"
        }
    }

    /// Whether a payload frame belongs behind the envelope: chunks, a whole update and the steps of masks have one.
    public var takesPayload: Bool {
        switch self {
        case .objectChunk, .updateChunk, .updateWhole, .maskStep: true
        default: false
        }
    }

    /// Whether the frames that came are the frames this message has, and an object's chunk lies within the object.
    func checkPayload(bytes: Int?) throws(WireError) {
        guard takesPayload else {
            if bytes != nil { throw .unexpectedPayload(kind) }
            return
        }
        guard let bytes else { throw .missingPayload(kind) }
        if case .objectChunk(let chunk) = self, chunk.offset + UInt64(bytes) > chunk.totalBytes {
            throw .malformed("ObjectChunk ends behind its object")
        }
    }
}
