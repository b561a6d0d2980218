extension AdapterLayout {
    /// The layout of the same layers with no rank above `rank`.
    public func limited(toRank rank: Int) -> AdapterLayout {
        precondition(rank >= 1, "rank \(rank)")
        return AdapterLayout(
            entries.map { entry in
                var shape = entry.shape
                switch AdapterTensorName(entry.name)?.factor {
                case .a: shape[0] = min(shape[0], rank)
                case .b: shape[1] = min(shape[1], rank)
                case .magnitude, nil: break
                }
                return (entry.name, shape)
            })
    }
}

extension AdapterConfiguration {
    /// The same settings with no layer's rank above `rank`; α stays, so that the scale is that of the lower rank.
    public func limited(toRank rank: Int) -> AdapterConfiguration {
        var limited = self
        limited.rank = min(self.rank, rank)
        limited.rankPattern = rankPattern.mapValues { min($0, rank) }
        return limited
    }
}
