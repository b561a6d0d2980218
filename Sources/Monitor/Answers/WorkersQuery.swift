/// Which workers, in which order.
struct WorkersQuery: Hashable, Sendable {
    enum State: String, Sendable {
        /// All but the revoked ones.
        case all
        case connected, away, late, revoked
    }

    enum Order: String, Sendable {
        case ascending, descending
    }

    enum Column: String, Sendable {
        case worker, lastSeen, phase, software, memory, updates, tokens, trainLoss, heldOutLoss, energy, suspicion
    }

    var search = ""
    var state = State.all
    var sort = Column.worker
    var order = Order.ascending
    var offset = 0
    var limit = 50

    static let limitMax = 200

    /// - Parameter text: A parameter's value by its name; `nil`: it was not given.
    /// - Throws: ``QueryError``
    init(_ text: (String) -> String?) throws(QueryError) {
        search = (text("search") ?? "").lowercased()
        state = try Self.choice(text("state"), "state", .all)
        sort = try Self.choice(text("sort"), "sort", .worker)
        order = try Self.choice(text("order"), "order", .ascending)
        offset = try Self.number(text("offset"), "offset", 0)
        limit = try Self.number(text("limit"), "limit", 50)
    }

    init() {}

    func admits(_ worker: WorkersAnswer.Worker) -> Bool {
        guard search.isEmpty || worker.worker.lowercased().contains(search) else { return false }
        switch state {
        case .all: return worker.revokedAt == nil
        case .connected: return worker.isConnected
        case .away: return !worker.isConnected && worker.revokedAt == nil
        case .late: return worker.late != nil
        case .revoked: return worker.revokedAt != nil
        }
    }

    /// What a column does not know comes last in either direction; equal ones stand in name order.
    func sorted(_ workers: [WorkersAnswer.Worker]) -> [WorkersAnswer.Worker] {
        switch sort {
        case .worker: order == .ascending ? workers : workers.reversed()
        case .lastSeen: sorted(workers) { $0.lastSeen }
        case .phase: sorted(workers) { $0.phase }
        case .software: sorted(workers) { $0.software }
        case .memory: sorted(workers) { $0.memoryBytes }
        case .updates: sorted(workers) { $0.updates }
        case .tokens: sorted(workers) { $0.tokens }
        case .trainLoss: sorted(workers) { $0.trainLoss }
        case .heldOutLoss: sorted(workers) { $0.heldOutLoss }
        case .energy: sorted(workers) { $0.energyJoules }
        case .suspicion: sorted(workers) { $0.suspicion?.score }
        }
    }

    private func sorted<Key: Comparable>(
        _ workers: [WorkersAnswer.Worker], by key: (WorkersAnswer.Worker) -> Key?
    ) -> [WorkersAnswer.Worker] {
        let known = workers.enumerated().compactMap { place, worker in key(worker).map { (place, worker, $0) } }
        let unknown = workers.filter { key($0) == nil }
        let sorted = known.sorted { left, right in
            if left.2 == right.2 { return left.0 < right.0 }
            return order == .ascending ? left.2 < right.2 : left.2 > right.2
        }
        return sorted.map(\.1) + unknown
    }

    private static func choice<Choice: RawRepresentable<String>>(
        _ text: String?, _ name: String, _ otherwise: Choice
    ) throws(QueryError) -> Choice {
        guard let text, !text.isEmpty else { return otherwise }
        guard let choice = Choice(rawValue: text) else { throw QueryError(parameter: name, value: text) }
        return choice
    }

    static func number(_ text: String?, _ name: String, _ otherwise: Int) throws(QueryError) -> Int {
        guard let text, !text.isEmpty else { return otherwise }
        guard let number = Int(text), (0...1_000_000_000).contains(number) else {
            throw QueryError(parameter: name, value: text)
        }
        return number
    }
}

/// A parameter of a request that has no such value.
struct QueryError: Error, Hashable, Sendable, CustomStringConvertible {
    var parameter: String
    var value: String

    var description: String { "'\(value.prefix(80))' is no value of the parameter '\(parameter)'" }
}
