public import Federation
internal import Subprocess
internal import SystemPackage

/// A fleet of real worker processes on this machine.
public struct Fleet: Sendable {
    /// One worker's process.
    public struct Member: Sendable {
        public let name: WorkerName
        /// Arguments after the program's name.
        public let arguments: [String]
        /// Where its standard output and error go.
        public let logPath: String

        public init(name: WorkerName, arguments: [String], logPath: String) {
            self.name = name
            self.arguments = arguments
            self.logPath = logPath
        }
    }

    /// How a worker's process ended.
    public enum Ending: Sendable, Hashable {
        case exited(code: Int32)
        case killed(signal: Int32)
        case notStarted(reason: String)
    }

    /// Time a worker has to say goodbye before it is killed. Unit: seconds.
    private static let farewellSeconds = 5.0

    private let program: String

    /// - Parameter program: Path of the `shoal` executable.
    public init(program: String) {
        self.program = program
    }

    /// Runs every member until it ends by itself; cancelling the task asks the rest to leave, then kills them.
    ///
    /// - Parameter ended: Told of each process as it ends, on any thread.
    public func run(
        _ members: [Member], ended: @escaping @Sendable (WorkerName, Ending) -> Void
    ) async {
        await withTaskGroup { group in
            for member in members {
                group.addTask { ended(member.name, await run(member)) }
            }
        }
    }

    private func run(_ member: Member) async -> Ending {
        var options = PlatformOptions()
        options.teardownSequence = [
            .send(signal: .terminate, allowedDurationToNextStep: .seconds(Self.farewellSeconds))
        ]
        do {
            let log = try FileDescriptor.open(
                FilePath(member.logPath), .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
            defer { try? log.close() }
            let record = try await Subprocess.run(
                .path(FilePath(program)), arguments: Arguments(member.arguments), platformOptions: options,
                input: .none, output: .fileDescriptor(log, closeAfterSpawningProcess: false),
                error: .fileDescriptor(log, closeAfterSpawningProcess: false))
            switch record.terminationStatus {
            case .exited(let code): return .exited(code: code)
            case .signaled(let signal): return .killed(signal: signal)
            }
        } catch {
            return .notStarted(reason: "\(error)")
        }
    }
}
