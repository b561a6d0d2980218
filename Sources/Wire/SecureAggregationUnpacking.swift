import CWire
import Federation

extension MaskKeys {
    init(_ fields: Shoal__V1__MaskKeys) throws(WireError) {
        self.init(
            entries: try wireEntries(fields.entries, count: fields.n_entries, "maskKeys.entries") {
                (entry) throws(WireError) in
                Entry(
                    worker: try wireWorker(entry.worker, "maskKeys.worker"),
                    maskKey: try wireBytes(entry.mask_key, "maskKeys.maskKey", count: 32),
                    shareKey: try wireBytes(entry.share_key, "maskKeys.shareKey", count: 32),
                    signature: try wireBytes(entry.signature, "maskKeys.signature", count: 64))
            })
    }
}

extension MaskShares {
    init(_ fields: Shoal__V1__MaskShares) throws(WireError) {
        self.init(
            entries: try wireEntries(fields.entries, count: fields.n_entries, "maskShares.entries") {
                (entry) throws(WireError) in
                Entry(
                    worker: try wireWorker(entry.worker, "maskShares.worker"),
                    sealedShare: try wireBytes(
                        entry.sealed_share, "maskShares.sealedShare", limit: WireLimits.shareBytes))
            })
    }
}

extension Unmask {
    init(_ fields: Shoal__V1__Unmask) throws(WireError) {
        let names = try wireTexts(
            fields.survivors, count: fields.n_survivors, "unmask.survivors", limit: 64,
            countLimit: WireLimits.neighbourCount)
        var survivors: [WorkerName] = []
        for text in names {
            guard let name = WorkerName(text) else { throw .malformed("unmask.survivors holds no worker name") }
            survivors.append(name)
        }
        let signature = try wireBytes(fields.signature, "unmask.signature", limit: 64)
        guard signature.isEmpty || signature.count == 64 else {
            throw .malformed("unmask.signature has \(signature.count) bytes instead of 64")
        }
        self.init(
            survivors: survivors, signature: signature,
            shares: try wireEntries(fields.shares, count: fields.n_shares, "unmask.shares") {
                (share) throws(WireError) in
                Share(
                    worker: try wireWorker(share.worker, "unmask.worker"),
                    share: try wireBytes(share.share, "unmask.share", limit: WireLimits.shareBytes))
            })
    }
}
