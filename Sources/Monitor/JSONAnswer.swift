import FoundationEssentials
import HTTPTypes
import Hummingbird
import WebServing

/// Answers in JSON, keys in alphabetical order.
enum JSONAnswer {
    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func response(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        Response(text: try text(value) + "\n", type: "application/json", status: status)
    }

    /// `{"error":"…"}`
    static func failure(_ reason: String, status: HTTPResponse.Status) throws -> Response {
        try response(Failure(error: reason), status: status)
    }

    private struct Failure: Encodable {
        let error: String
    }
}
