import CWire
import Federation
import ModelFiles

extension MaskKeys {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__MaskKeys> {
        var packedEntries: [UnsafeMutablePointer<Shoal__V1__MaskKeys__Entry>] = []
        for entry in entries {
            let fields = arena.message(shoal__v1__mask_keys__entry__init)
            fields.pointee.worker = arena.text(entry.worker.text)
            fields.pointee.mask_key = arena.bytes(entry.maskKey)
            fields.pointee.share_key = arena.bytes(entry.shareKey)
            fields.pointee.signature = arena.bytes(entry.signature)
            packedEntries.append(fields)
        }
        let fields = arena.message(shoal__v1__mask_keys__init)
        fields.pointee.entries = arena.list(packedEntries)
        fields.pointee.n_entries = packedEntries.count
        return fields
    }
}

extension MaskShares {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__MaskShares> {
        var packedEntries: [UnsafeMutablePointer<Shoal__V1__MaskShares__Entry>] = []
        for entry in entries {
            let fields = arena.message(shoal__v1__mask_shares__entry__init)
            fields.pointee.worker = arena.text(entry.worker.text)
            fields.pointee.sealed_share = arena.bytes(entry.sealedShare)
            packedEntries.append(fields)
        }
        let fields = arena.message(shoal__v1__mask_shares__init)
        fields.pointee.entries = arena.list(packedEntries)
        fields.pointee.n_entries = packedEntries.count
        return fields
    }
}

extension Unmask {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Unmask> {
        var packedShares: [UnsafeMutablePointer<Shoal__V1__Unmask__Share>] = []
        for share in shares {
            let fields = arena.message(shoal__v1__unmask__share__init)
            fields.pointee.worker = arena.text(share.worker.text)
            fields.pointee.share = arena.bytes(share.share)
            packedShares.append(fields)
        }
        let fields = arena.message(shoal__v1__unmask__init)
        fields.pointee.survivors = arena.texts(survivors.map(\.text))
        fields.pointee.n_survivors = survivors.count
        fields.pointee.signature = arena.bytes(signature)
        fields.pointee.shares = arena.list(packedShares)
        fields.pointee.n_shares = packedShares.count
        return fields
    }
}
