/// Why an HTTP service cannot start.
package enum WebServingError: Error, Hashable, Sendable, CustomStringConvertible {
    case notAnAddress(String)
    /// Others could connect, and nothing would keep them out or keep what is sent from being read.
    case needsTokenAndCertificate(ListenAddress)
    case certificateWithoutKey
    case badToken(path: String)
    /// Of a service that is called.
    case badForeignToken(path: String)
    case unreadableToken(String)
    case unreadableCertificate(path: String, reason: String)
    case cannotListen(ListenAddress, reason: String)

    package var description: String {
        switch self {
        case .notAnAddress(let text): "'\(text)' is no address to listen on; write HOST:PORT, such as 127.0.0.1:8670"
        case .needsTokenAndCertificate(let address):
            "\(address) can be reached from other machines: give a bearer token (--http-token-file FILE, mode 0600) and "
                + "a certificate (--http-certificate FILE --http-key FILE), or listen on 127.0.0.1"
        case .certificateWithoutKey: "--http-certificate and --http-key belong together: give both"
        case .badToken(let path):
            "\(path) holds no bearer token: one line of 16 to 512 letters, digits and -._~+/= is needed; make one with: "
                + "(umask 077; openssl rand -hex 32 > '\(path)')"
        case .badForeignToken(let path):
            "\(path) holds no bearer token: one line of up to 512 letters, digits and -._~+/= is needed, as the other service "
                + "gave it"
        case .unreadableToken(let reason): "the bearer token: \(reason)"
        case .unreadableCertificate(let path, let reason): "\(path) cannot be used for TLS: \(reason)"
        case .cannotListen(let address, let reason):
            "cannot listen on \(address): \(reason); choose another address or port"
        }
    }
}
