/// Checks the endpoints that workers connect to, before libzmq sees the text.
public enum ConnectEndpoint {
    /// What is wrong with the text, in words; `nil` if it is `tcp://HOST:PORT`.
    ///
    /// Narrower than libzmq: no other transports, no source addresses (`tcp://SOURCE;HOST:PORT`), no wildcards.
    public static func problem(with text: String) -> String? {
        let prefix = "tcp://"
        guard text.hasPrefix(prefix), text.utf8.count <= 300 else { return "write tcp://HOST:PORT" }
        let address = text.dropFirst(prefix.count)
        guard let colon = address.lastIndex(of: ":"), let port = UInt16(address[address.index(after: colon)...]),
            port > 0
        else { return "a port from 1 to 65535 is missing; write tcp://HOST:PORT" }
        var host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard !host.isEmpty,
                host.utf8.allSatisfy({ isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { return "\(host) is not an IPv6 address" }
            return nil
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ isHostCharacter($0) }) else {
            return "the host must be a name or an address (an IPv6 address in brackets)"
        }
        guard host != "0.0.0.0" else { return "0.0.0.0 is no address to connect to; name the coordinator's machine" }
        return nil
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        Character(Unicode.Scalar(byte)).isHexDigit
    }

    private static func isHostCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
