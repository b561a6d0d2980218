internal import Federation

/// The attempt's workers in name order with their keys, fixed when the first step closes.
struct Roster: Sendable {
    let session: MaskingSession
    let entries: [AdvertisedKeys]
    let positions: [WorkerName: Int]
    /// Of each position, ascending.
    let neighbours: [[Int]]
    private let tree: RosterTree

    init(_ keys: some Collection<AdvertisedKeys>, in context: MaskingContext, degree: MaskingDegree) {
        entries = keys.sorted { $0.worker < $1.worker }
        tree = RosterTree(entries: entries.map(\.bytes))
        session = MaskingSession(context: context, cohort: entries.count, degree: degree, root: tree.root)
        positions = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.worker, $0) })
        let graph = session.graph
        neighbours = entries.indices.map(graph.neighbours(of:))
    }

    func message(for position: Int) -> NeighbourKeys {
        let around = neighbours[position]
        return NeighbourKeys(
            cohort: session.cohort, degree: session.degree.neighbours, threshold: session.degree.threshold,
            position: position, root: session.root,
            neighbours: around.map { .init(position: $0, keys: entries[$0]) },
            proof: tree.proof(of: (around + [position]).sorted()))
    }

    func name(_ position: Int) -> WorkerName { entries[position].worker }
}
