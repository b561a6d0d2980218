internal import Foundation
internal import FoundationNetworking

/// What an HTTP service answered.
public struct WebAnswer: Sendable {
    public let status: Int
    public let body: String
    private let headers: HTTPURLResponse

    fileprivate init(_ headers: HTTPURLResponse, _ body: Data) {
        status = headers.statusCode
        self.body = String(decoding: body, as: UTF8.self)
        self.headers = headers
    }

    public func header(_ name: String) -> String? { headers.value(forHTTPHeaderField: name) }
}

/// A client as patient as a busy machine needs: other suites may keep a test process's threads for minutes.
public enum WebClient {
    private static let session: URLSession = {
        let configuration = URLSessionConfiguration.default
        configuration.timeoutIntervalForRequest = 600
        return URLSession(configuration: configuration)
    }()

    /// - Parameter method: By default GET, and POST where there is a body.
    public static func ask(
        _ address: String, method: String? = nil, body: String? = nil, headers: [String: String] = [:]
    ) async throws -> WebAnswer {
        guard let url = URL(string: address) else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method ?? (body == nil ? "GET" : "POST")
        request.httpBody = body.map { Data($0.utf8) }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await session.data(for: request)
        guard let headers = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        return WebAnswer(headers, data)
    }
}
