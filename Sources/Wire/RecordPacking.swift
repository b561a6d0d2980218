import CWire
import Federation
import ModelFiles

extension KnownRecord {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__KnownRecord> {
        let fields = arena.message(shoal__v1__known_record__init)
        fields.pointee.run = arena.text(run.text)
        fields.pointee.number = number
        fields.pointee.hash = arena.bytes(head.bytes)
        return fields
    }

    init(_ fields: Shoal__V1__KnownRecord) throws(WireError) {
        guard let run = RunID(try wireText(fields.run, "knownRecord.run", limit: WireLimits.runBytes)) else {
            throw .malformed("knownRecord.run is not a run's identifier")
        }
        self.init(run: run, number: fields.number, head: try wireHash(fields.hash, "knownRecord.hash"))
    }
}

extension RecordHead {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__RecordHead> {
        let fields = arena.message(shoal__v1__record_head__init)
        fields.pointee.hash = arena.bytes(head.bytes)
        fields.pointee.signature = arena.bytes(signature)
        fields.pointee.number = number
        fields.pointee.round = round
        fields.pointee.links = arena.binaries(links.map(\.bytes))
        fields.pointee.n_links = links.count
        return fields
    }

    init(_ fields: Shoal__V1__RecordHead) throws(WireError) {
        guard fields.n_links <= WireLimits.linkCount else {
            throw .malformed("recordHead.links has \(fields.n_links) entries, the limit is \(WireLimits.linkCount)")
        }
        var links: [ContentHash] = []
        if let first = fields.links {
            for index in 0..<fields.n_links { links.append(try wireHash(first[index], "recordHead.links")) }
        }
        self.init(
            head: try wireHash(fields.hash, "recordHead.hash"),
            signature: try wireBytes(fields.signature, "recordHead.signature", count: 64), number: fields.number,
            round: fields.round, links: links)
    }
}

extension Countersign {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Countersign> {
        let fields = arena.message(shoal__v1__countersign__init)
        fields.pointee.hash = arena.bytes(head.bytes)
        fields.pointee.signature = arena.bytes(signature)
        fields.pointee.number = number
        return fields
    }

    init(_ fields: Shoal__V1__Countersign) throws(WireError) {
        self.init(
            head: try wireHash(fields.hash, "countersign.hash"),
            signature: try wireBytes(fields.signature, "countersign.signature", count: 64), number: fields.number)
    }
}
