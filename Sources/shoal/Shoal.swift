import ArgumentParser
import Glibc

@main
struct Shoal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shoal",
        abstract: "Federated fine-tuning of small language models.",
        discussion: """
            A coordinator and many workers train one LoRA adapter together; each worker's text stays with it.
            Try it on this machine: shoal simulate
            """,
        version: shoalVersion,
        subcommands: [
            Simulate.self, Coordinate.self, Work.self, Keys.self, Run.self, Config.self, Evaluate.self, Generate.self,
            Serve.self, Quantize.self, Privacy.self, Audit.self, Bench.self, Doctor.self,
        ])

    static func main() async {
        // A write beyond a file-size limit then fails with a reason, as on a full disk.
        signal(SIGXFSZ, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            try Console.requireDelivered()
            end(with: 0)
        } catch {
            leave(with: error)
        }
    }

    /// Exit codes are part of the contract: 0 done, 1 failed, 2 bad usage or configuration, 130 interrupted.
    private static func leave(with error: any Error) -> Never {
        if let failure = error as? CommandFailure {
            if !failure.message.isEmpty { Console.error("shoal: \(failure.message)") }
            end(with: failure.code)
        }
        let isUsageError = exitCode(for: error) == .validationFailure
        if !isUsageError { exit(withError: error) }
        Console.error(fullMessage(for: error))
        end(with: CommandFailure.badInputCode)
    }

    /// Without exit handlers: they would free what a cancelled computation still uses on its thread.
    private static func end(with code: Int32) -> Never {
        fflush(nil)
        _exit(code)
    }
}

/// The release, as `--version` and the protocol's greeting give it.
let shoalVersion = "0.1.0"
