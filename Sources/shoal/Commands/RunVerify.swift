import ArgumentParser
import Coordinator
import Federation
import ModelFiles
import Wire

struct RunVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a run's chain of round records and its signatures, offline.",
        discussion: """
            The ledger alone cannot show that its owner has not rewritten all of it: compare --key and --head with what \
            a worker remembers in records/RUN.json of its own state folder.
            """)

    @OptionGroup var place: Run.Place

    @Option(help: "The coordinator's record key as a worker knows it: 64 hexadecimal digits.")
    var key: String?

    @Option(help: "A record's hash as a worker remembers it, which must be in the chain: 64 hexadecimal digits.")
    var head: String?

    @Flag(help: "Print one JSON object a line on standard output.")
    var json = false

    func run() throws {
        let audit = try usingInput {
            let (ledger, _) = try place.open()
            return try RecordAudit(
                ledger: ledger, state: place.folder,
                trustedKey: try hash(key, "--key").flatMap { PublicKey(bytes: $0.bytes) },
                trustedHead: try hash(head, "--head"))
        }
        if json {
            try JSONLine.print(VerifyLine(audit))
        } else {
            var table = TextTable(alignment: .left)
            table.add("run", audit.run.text)
            table.add("records", Quantity.count(audit.records))
            table.add("head", audit.head?.description ?? "-")
            table.add("record key", audit.publicKey.map(VerifyLine.text) ?? "-")
            table.add(
                "countersigned",
                "\(audit.countersigned.count) records, by \(audit.countersigned.values.reduce(0, +)) signatures")
            for line in table.lines { Console.output(line) }
        }
        if let finding = audit.finding { throw CommandFailure.failed("the run's records are not sound: \(finding)") }
        if !json { Console.output("  every record, signature and countersignature is good") }
    }

    private func hash(_ text: String?, _ option: String) throws -> ContentHash? {
        guard let text else { return nil }
        guard let hash = ContentHash(text.lowercased()) else {
            throw CommandFailure.badInput("\(option) needs 64 hexadecimal digits")
        }
        return hash
    }
}

private struct VerifyLine: Encodable {
    let run: String
    let sound: Bool
    let records: Int
    let head: String?
    let key: String?
    let countersignedRecords: Int
    let countersignatures: Int
    let badRecord: UInt64?
    let problem: String?

    init(_ audit: RecordAudit) {
        run = audit.run.text
        sound = audit.finding == nil
        records = audit.records
        head = audit.head?.description
        key = audit.publicKey.map(Self.text)
        countersignedRecords = audit.countersigned.count
        countersignatures = audit.countersigned.values.reduce(0, +)
        badRecord = audit.finding?.record
        problem = audit.finding?.problem
    }

    static func text(_ key: PublicKey) -> String { ContentHash(bytes: key.bytes)?.description ?? "" }
}
