import Transport

/// Join files and key files: the first byte picks which.
enum KeyFuzzing {
    static func reader() throws -> FuzzTarget.Reader {
        let file = try InputFile("keys.json")
        return { bytes in
            guard let first = bytes.first else { return false }
            try file.write(bytes.dropFirst())
            guard first & 1 == 0 else { return (try? KeyFile.read(file.path)) != nil }
            guard let join = try? JoinFile(reading: file.path) else { return false }
            try expect(TCPEndpoint.problem(connectingTo: join.endpoint) == nil, "\(join.endpoint) is no endpoint")
            try join.write(to: file.path + ".again")
            try expect(try JoinFile(reading: file.path + ".again") == join, "a join file that is read as another")
            return true
        }
    }

    /// The key pair of libzmq's manual, which protects nothing.
    private static let publicKey = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
    private static let secretKey = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"

    static func seeds() -> [[UInt8]] {
        let pair = #""publicKey":"\#(publicKey)","secretKey":"\#(secretKey)""#
        let join =
            #"{"coordinatorKey":"\#(publicKey)","endpoint":"tcp://coordinator.example.org:5670","#
            + #""expires":"2026-01-31T12:00:00Z","invitation":{"id":"inv-1",\#(pair)},"#
            + #""shoalJoin":1,"worker":"north 2"}"#
        return [[0] + join.utf8, [1] + #"{\#(pair),"shoalKey":1}"#.utf8]
    }
}
