package import HTTPTypes
package import Hummingbird
internal import ModelFiles
internal import NIOCore
internal import WebServing

/// Why a request is not answered, in the shape that clients of OpenAI's API read.
package struct RequestProblem: Error, Hashable, Sendable {
    package var status: HTTPResponse.Status
    package var message: String
    /// The field of the request at fault, such as `messages[0].content`; `nil`: none.
    package var parameter: String?
    /// What programs tell problems apart by.
    package var code: String?
    /// When asking again may help. Unit: seconds.
    package var retryAfter: Int?

    package init(
        _ status: HTTPResponse.Status, _ message: String, parameter: String? = nil, code: String? = nil,
        retryAfter: Int? = nil
    ) {
        self.status = status
        self.message = message
        self.parameter = parameter
        self.code = code
        self.retryAfter = retryAfter
    }

    /// A value that cannot be served.
    static func value(_ parameter: String, _ message: String, code: String = "invalid_value") -> RequestProblem {
        RequestProblem(.badRequest, "\(parameter): \(message)", parameter: parameter, code: code)
    }

    var json: JSONValue {
        .object([
            "error": .object([
                "message": .string(message), "type": .string(type),
                "param": parameter.map(JSONValue.string) ?? .null, "code": code.map(JSONValue.string) ?? .null,
            ])
        ])
    }

    private var type: String {
        switch status {
        case .tooManyRequests: "rate_limit_error"
        case .unauthorized: "authentication_error"
        default: status.code >= 500 ? "server_error" : "invalid_request_error"
        }
    }
}

extension RequestProblem {
    package var response: Response {
        var response = Response(json, status: status)
        if let retryAfter { response.headers[.retryAfter] = "\(retryAfter)" }
        return response
    }
}

extension Response {
    init(_ json: JSONValue, status: HTTPResponse.Status = .ok) {
        self.init(bytes: JSONText.encode(json), type: "application/json; charset=utf-8", status: status)
    }
}

/// Gives every failure below it the shape of a ``RequestProblem``: unknown paths and too large bodies, too.
struct ProblemAnswers<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let problem as RequestProblem {
            return problem.response
        } catch let error as HTTPError {
            return Self.problem(error, request).response
        } catch is NIOTooManyBytesError {
            let limit = ServingService.requestBytesMax
            return RequestProblem(
                .contentTooLarge, "a request may have \(limit) bytes", code: "request_too_large"
            ).response
        }
    }

    private static func problem(_ error: HTTPError, _ request: Request) -> RequestProblem {
        switch error.status {
        case .notFound:
            RequestProblem(
                .notFound, "there is no \(request.method.rawValue) \(request.uri.path) here", code: "unknown_url")
        default: RequestProblem(error.status, error.body ?? error.status.reasonPhrase)
        }
    }
}
