import Testing
import WebServing

@Suite("Addresses of HTTP services")
struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:8670", "127.0.0.1", 8670, true), ("127.9.8.7:1", "127.9.8.7", 1, true),
        ("localhost:0", "localhost", 0, true), ("[::1]:80", "::1", 80, true), ("0.0.0.0:80", "0.0.0.0", 80, false),
        ("[::]:80", "::", 80, false), ("10.0.0.7:65535", "10.0.0.7", 65_535, false),
        ("128.0.0.1:1", "128.0.0.1", 1, false), ("localhost.example.org:1", "localhost.example.org", 1, false),
        ("[::ffff:1]:1", "::ffff:1", 1, false),
    ])
    func readsHostAndPort(text: String, host: String, port: Int, isLoopback: Bool) throws {
        let address = try ListenAddress(text)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.isLoopback == isLoopback)
        #expect(address.description == text)
    }

    @Test(arguments: ["", "8670", "127.0.0.1", ":8670", "host:", "host:65536", "host:-1", "::1:80", "[]:80", "a:b"])
    func refusesWhatIsNone(text: String) {
        #expect(throws: WebServingError.notAnAddress(text)) { try ListenAddress(text) }
    }
}
