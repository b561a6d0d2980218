internal import HTTPTypes
package import LanguageModel
internal import ModelFiles

/// One base model and the adapters over it, by the names that clients call them.
package struct ServedModels: Sendable {
    /// The model without an adapter, which ``baseAlias`` names as well.
    package let base: String
    private let adapters: [(name: String, adapter: LowRankAdapter)]
    /// When serving began. Unit: seconds since 1970.
    private let created: Int

    package static let baseAlias = "base"

    /// - Precondition: The names differ, and none is ``baseAlias``.
    package init(base: String, adapters: [(name: String, adapter: LowRankAdapter)], created: Int) {
        precondition(Set(adapters.map(\.name) + [base]).count == adapters.count + 1, "two models of one name")
        self.base = base
        self.adapters = adapters
        self.created = created
    }

    package var names: [String] { [base] + adapters.map(\.name) }

    /// - Returns: `nil` for the base model.
    /// - Throws: ``RequestProblem`` for a name that nobody has.
    package func adapter(of model: String) throws(RequestProblem) -> LowRankAdapter? {
        if model == base || model == Self.baseAlias { return nil }
        guard let found = adapters.first(where: { $0.name == model }) else {
            throw RequestProblem(
                .notFound, "there is no model '\(model)'; there are \(names.joined(separator: ", "))",
                parameter: "model", code: "model_not_found")
        }
        return found.adapter
    }

    /// What `GET /v1/models` answers.
    var list: JSONValue {
        .object(["object": .string("list"), "data": .array(names.map(entry))])
    }

    /// What `GET /v1/models/NAME` answers.
    func description(of model: String) throws(RequestProblem) -> JSONValue {
        _ = try adapter(of: model)
        return entry(model == Self.baseAlias ? base : model)
    }

    private func entry(_ name: String) -> JSONValue {
        .object([
            "id": .string(name), "object": .string("model"), "created": .integer(created),
            "owned_by": .string("shoal"), "parent": name == base ? .null : .string(base),
        ])
    }
}
