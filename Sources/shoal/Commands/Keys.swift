import ArgumentParser
import Coordinator
import Federation
import Transport
import Wire

struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the coordinator's keys, invite workers, list and revoke them.",
        subcommands: [Create.self, Invite.self, List.self, Allow.self, Revoke.self, KeysRotate.self])

    /// A state directory's ledger; a coordinator may be running on it.
    struct StateOption: ParsableArguments {
        @Option(help: "Folder of the run's state.")
        var state: String

        func ledger() throws -> Ledger {
            try Ledger(path: StateDirectory.ledger(in: state), wallClock: WallClock.unixSeconds)
        }
    }

    struct NameOption: ParsableArguments {
        @Option(help: "The worker's name: letters, digits, '.', '_', '-' and spaces inside, at most 64.")
        var name: String

        func workerName() throws -> WorkerName {
            guard let worker = WorkerName(name) else {
                throw CommandFailure.badInput(
                    "'\(name)' cannot be a worker's name; use 1 to 64 letters, digits, '.', '_', '-' and spaces inside")
            }
            return worker
        }
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make the coordinator's key pair.")

        @OptionGroup var state: StateOption

        func run() throws {
            try usingInput {
                let keys = try CoordinatorKeys.readOrCreate(in: state.state)
                _ = try state.ledger()
                Console.output("coordinator public key \(keys.publicKey.z85)")
            }
        }
    }

    struct Invite: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a join file that lets one worker enrol once.",
            discussion:
                "Carry the file to the worker over a channel you trust: whoever uses it first becomes the worker.")

        @OptionGroup var state: StateOption
        @OptionGroup var name: NameOption

        @Option(help: "Where the worker reaches the coordinator, for example tcp://coordinator.example.org:5670.")
        var endpoint: String

        @Option(help: "How long the invitation holds: 90s, 30m, 12h, 7d.")
        var expires = "7d"

        @Option(help: "The join file to write.")
        var out: String

        @Flag(help: "For a worker that is enrolled already, and only needs to know the coordinator's present key.")
        var enrolled = false

        func run() throws {
            try usingInput {
                let worker = try name.workerName()
                if let problem = TCPEndpoint.problem(connectingTo: endpoint) {
                    throw CommandFailure.badInput("--endpoint \(endpoint): \(problem)")
                }
                guard let seconds = Lifetime.seconds(expires) else {
                    throw CommandFailure.badInput("--expires \(expires): write a number with s, m, h or d, such as 7d")
                }
                let keys = try CoordinatorKeys.readOrCreate(in: state.state)
                let next = KeyRotation.read(in: state.state)?.nextKey
                if enrolled {
                    try Invitation.writeForEnrolled(
                        worker: worker, endpoint: endpoint, ledger: state.ledger(), coordinator: keys, next: next,
                        to: out)
                    return Console.output("wrote \(out): tells '\(worker)', which is enrolled, the coordinator's key")
                }
                let replaces = try state.ledger().list().contains { record in
                    if record.name == worker, case .invited = record.state { true } else { false }
                }
                try Invitation.write(
                    worker: worker, endpoint: endpoint, expiresIn: seconds, ledger: state.ledger(), coordinator: keys,
                    next: next, to: out)
                Console.output(
                    "wrote \(out): lets '\(worker)' enrol once, within \(expires)"
                        + (replaces ? "; the earlier invitation of that name holds no longer" : ""))
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List workers, their keys and invitations.")

        @OptionGroup var state: StateOption

        func run() throws {
            try usingInput {
                var table = TextTable(alignment: .left)
                table.add("worker", "state", "since or until", "public key")
                for record in try state.ledger().list() {
                    let (word, date) = describe(record.state)
                    table.add(record.name.text, word, date, record.curveKey.z85)
                }
                for line in table.lines { Console.output(line) }
            }
        }

        private func describe(_ state: KeyRecord.State) -> (String, String) {
            switch state {
            case .invited(let expires): ("invited", CalendarTime.text(expires))
            case .expired: ("expired", "-")
            case .enrolled(let time): ("enrolled", CalendarTime.text(time))
            case .revoked(let time): ("revoked", CalendarTime.text(time))
            }
        }
    }

    struct Allow: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Admit a worker's own public key without an invitation.")

        @OptionGroup var state: StateOption
        @OptionGroup var name: NameOption

        @Option(help: "The worker's CURVE public key: 40 characters of Z85.")
        var key: String

        func run() throws {
            try usingInput {
                guard let publicKey = PublicKey(z85: key) else {
                    throw CommandFailure.badInput("--key: a public key has 40 characters of Z85")
                }
                try state.ledger().allow(name: name.workerName(), key: publicKey)
                Console.output("admitted \(name.name)")
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a worker's admission, its live connection included.")

        @OptionGroup var state: StateOption
        @OptionGroup var name: NameOption

        func run() throws {
            try usingInput {
                try state.ledger().revoke(name: name.workerName())
                Console.output("revoked \(name.name)")
            }
        }
    }
}
