import Federation
import ModelFiles
import Wire

/// An encoded update on the worker's disk until the coordinator has acknowledged it: training again after a crash would
/// cost more than sending again.
struct StoredUpdate {
    let run: String
    let round: Int
    let attempt: Int
    let codec: CodecName
    let commit: UpdateCommit
    let bytes: [UInt8]

    var lease: UInt64 { commit.lease }

    private static let format = "shoal-update-1"

    func write(to path: String) throws(FileError) {
        let head = [
            Self.format, run, "\(round)", "\(attempt)", codec.description, "\(lease)", "\(commit.trainingItems)",
            "\(commit.steps)", "\(commit.tokensTrained)", "\(commit.trainLoss.bitPattern)", "\(commit.object)",
        ]
        try AtomicFile.write(Array((head.joined(separator: "\n") + "\n").utf8) + bytes, to: path, permissions: 0o600)
    }

    /// `nil` if there is none, or none that is whole: it is only a shortcut.
    init?(readingFrom path: String) {
        guard let file = try? MappedFile(path: path) else { return nil }
        let content = file.copy()
        var lines: [String] = []
        var rest = content[...]
        while lines.count < 11, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: rest[..<end], as: UTF8.self))
            rest = rest[(end + 1)...]
        }
        guard lines.count == 11, lines[0] == Self.format, let round = Int(lines[2]), let attempt = Int(lines[3]),
            let codec = CodecName(lines[4]), let lease = UInt64(lines[5]), let items = UInt64(lines[6]),
            let steps = UInt32(lines[7]), let tokens = UInt64(lines[8]), let loss = UInt32(lines[9]),
            let object = ContentHash(lines[10]), ContentHash(of: rest) == object
        else { return nil }
        self.init(
            run: lines[1], round: round, attempt: attempt, codec: codec,
            commit: UpdateCommit(
                lease: lease, object: object, trainingItems: items, steps: steps, tokensTrained: tokens,
                trainLoss: Float(bitPattern: loss)),
            bytes: Array(rest))
    }

    init(run: String, round: Int, attempt: Int, codec: CodecName, commit: UpdateCommit, bytes: [UInt8]) {
        self.run = run
        self.round = round
        self.attempt = attempt
        self.codec = codec
        self.commit = commit
        self.bytes = bytes
    }
}
