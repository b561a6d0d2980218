package import HTTPTypes
package import Hummingbird

extension HTTPField.Name {
    /// A header that `HTTPTypes` has no constant for.
    ///
    /// - Precondition: `name` is one that a header can have.
    package static func known(_ name: String) -> Self {
        guard let known = Self(name) else { preconditionFailure("\(name) is no header's name") }
        return known
    }
}

extension Response {
    /// An answer in one piece.
    package init(
        bytes: some Collection<UInt8>, type: String, status: HTTPResponse.Status = .ok
    ) {
        var headers = HTTPFields()
        headers[.contentType] = type
        self.init(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    package init(
        text: String, type: String = "text/plain; charset=utf-8", status: HTTPResponse.Status = .ok
    ) {
        self.init(bytes: text.utf8, type: type, status: status)
    }
}
