/// Checks the endpoints that people write, before libzmq sees the text: it takes port 99999 for 34463.
///
/// Narrower than libzmq on purpose: TCP only, and no source addresses (`tcp://SOURCE;HOST:PORT`).
public enum TCPEndpoint {
    /// What is wrong with an endpoint to connect to, in words; `nil` if it is `tcp://HOST:PORT`.
    public static func problem(connectingTo text: String) -> String? {
        guard let (host, port) = parts(of: text), let port = UInt16(port), port > 0 else {
            return "write tcp://HOST:PORT with a port from 1 to 65535"
        }
        if host == "0.0.0.0" || host == "[::]" { return "\(host) is no address to connect to; name the machine" }
        return isHost(host) ? nil : "the host must be a name or an address (an IPv6 address in brackets)"
    }

    /// What is wrong with an endpoint to listen on, in words; `nil` if it is `tcp://ADDRESS:PORT`, where the address
    /// may be `*` for all and the port 0 or `*` for a free one.
    public static func problem(bindingTo text: String) -> String? {
        guard let (host, port) = parts(of: text), port == "*" || UInt16(port) != nil else {
            return "write tcp://ADDRESS:PORT with a port from 0 to 65535"
        }
        return host == "*" || isHost(host) ? nil : "the address must be one of this machine's, or 0.0.0.0 for all"
    }

    private static func parts(of text: String) -> (host: Substring, port: Substring)? {
        let prefix = "tcp://"
        guard text.hasPrefix(prefix), text.utf8.count <= 300 else { return nil }
        let address = text.dropFirst(prefix.count)
        guard let colon = address.lastIndex(of: ":") else { return nil }
        return (address[..<colon], address[address.index(after: colon)...])
    }

    private static func isHost(_ text: Substring) -> Bool {
        if text.hasPrefix("["), text.hasSuffix("]") {
            let inner = text.dropFirst().dropLast()
            return !inner.isEmpty
                && inner.utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit || ".:".utf8.contains($0) }
        }
        return !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
