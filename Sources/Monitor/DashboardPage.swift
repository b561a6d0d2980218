import CDashboard
import Crypto
import FoundationEssentials
import HTTPTypes
import Hummingbird
import WebServing

/// The dashboard: one page with its style and script inside, which may load nothing else and run nothing else.
///
/// `Content-Security-Policy` names the two by their hashes.
struct DashboardPage: Sendable {
    let html: String
    let policy: String

    /// - Parameter needsToken: Whether the page asks for the token before anything else.
    init(needsToken: Bool) {
        let style = Self.file("dashboard.css")
        let script = Self.scripts.map(Self.file).joined(separator: "\n")
        html = Self.file("dashboard.html")
            .replacing("/*STYLE*/", with: style).replacing("/*SCRIPT*/", with: script)
            .replacing("data-needs-token=\"no\"", with: "data-needs-token=\"\(needsToken ? "yes" : "no")\"")
        policy = [
            "default-src 'none'", "script-src '\(Self.hash(script))'", "style-src '\(Self.hash(style))'",
            "connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ].joined(separator: "; ")
    }

    /// In the order in which they stand on the page.
    private static let scripts = ["format.js", "service.js", "chart.js", "summary.js", "fleet.js", "dashboard.js"]

    var response: Response {
        var response = Response(text: html, type: "text/html; charset=utf-8")
        response.headers[.known("Content-Security-Policy")] = policy
        response.headers[.known("Referrer-Policy")] = "no-referrer"
        response.headers[.known("X-Frame-Options")] = "DENY"
        return response
    }

    private static func hash(_ text: String) -> String {
        "sha256-" + Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString()
    }

    private static func file(_ name: String) -> String {
        for index in 0..<shoal_dashboard_file_count() {
            let file = shoal_dashboard_file_at(index)
            guard String(cString: file.name) == name else { continue }
            return String(decoding: UnsafeBufferPointer(start: file.bytes, count: file.count), as: UTF8.self)
        }
        preconditionFailure("dashboard.c embeds no \(name)")
    }
}
