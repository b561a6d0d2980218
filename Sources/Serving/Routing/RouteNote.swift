internal import ModelFiles

/// What an answer tells of who gave it, where routing is on: the member `shoal`, and the header `x-shoal-route`.
struct RouteNote: Hashable, Sendable {
    enum Server: String, Hashable, Sendable {
        case local
        case remote
    }

    static let member = "shoal"

    let servedBy: Server
    /// Of the local model; `nil` where the client kept the request here.
    let confidence: Double?
    let confidenceMin: Double
    /// Why the remote model did not answer although it was asked.
    var failure: String?

    var json: JSONValue {
        var members: [String: JSONValue] = [
            "served_by": .string(servedBy.rawValue), "confidence": confidence.map(JSONValue.number) ?? .null,
            "confidence_min": .number(confidenceMin),
        ]
        if let failure { members["route_error"] = .string(failure) }
        return .object(members)
    }

    /// Adds it to an object of somebody else's answer.
    func added(to value: JSONValue) -> JSONValue {
        guard case .object(var members) = value else { return value }
        members[Self.member] = json
        return .object(members)
    }
}
