internal import Dispatch
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// One start of an external trainer, from a thread that may wait for it.
struct TrainerProcess: Sendable {
    let command: TrainerCommand
    let folder: TrainerFolder
    /// The task's own folder.
    let task: String

    /// Time it has to end by itself once it is asked to. Unit: seconds.
    private static let farewellSeconds = 10.0
    /// How often the task is asked whether its work is still wanted. Unit: seconds.
    private static let lookSeconds = 0.2

    /// The longest line of its standard output that is read. Unit: bytes.
    private static let lineBytesMax = 128 << 10

    private enum Stop: Error { case unwanted, tooSlow, endlessLine }

    /// What the waiting thread and the task that runs the program share.
    private final class Outcome: Sendable {
        let value = Mutex<Result<Bool, TrainerError>>(.failure(.notStarted))
        let isThere = DispatchSemaphore(value: 0)
    }

    /// Runs the program in the task's folder until it ends, is not wanted any more, or takes too long.
    ///
    /// - Parameters:
    ///   - isWanted: Asked a few times a second; `false` ends the program.
    ///   - line: Told each line that it prints.
    ///   - notice: Told, for this machine's log alone, why it could not be started or watched.
    /// - Returns: Whether it ended well; `false`: nobody wants its work any more.
    func run(
        while isWanted: @escaping @Sendable () -> Bool, line: @escaping @Sendable (String) -> Void,
        notice: @escaping @Sendable (String) -> Void
    ) throws(TrainerError) -> Bool {
        let outcome = Outcome()
        Task {
            let result = await result(while: isWanted, line: line, notice: notice)
            outcome.value.withLock { $0 = result }
            outcome.isThere.signal()
        }
        outcome.isThere.wait()
        return try outcome.value.withLock { $0 }.get()
    }

    private func result(
        while isWanted: @escaping @Sendable () -> Bool, line: @escaping @Sendable (String) -> Void,
        notice: @Sendable (String) -> Void
    ) async -> Result<Bool, TrainerError> {
        do {
            let status = try await withThrowingTaskGroup(of: TerminationStatus?.self) { group in
                group.addTask { try await carryOut(line) }
                group.addTask { try await watch(isWanted) }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
            switch status {
            case .exited(0): return .success(true)
            case .exited(let code): return .failure(.ended(code: code))
            case .signaled(let signal): return .failure(.killed(signal: signal))
            case nil: return .failure(.notStarted)
            }
        } catch Stop.unwanted {
            return .success(false)
        } catch Stop.tooSlow {
            return .failure(.tooSlow(limit: command.timeLimit))
        } catch Stop.endlessLine {
            return .failure(.endlessLine(bytesMax: Self.lineBytesMax))
        } catch let error as SubprocessError where !Self.startFailures.contains(error.code) {
            notice("the trainer \(command.words[0]) could not be watched: \(error)")
            return .failure(.lost)
        } catch {
            notice("the trainer \(command.words[0]) could not be started: \(error)")
            return .failure(.notStarted)
        }
    }

    private static let startFailures: Set<SubprocessError.Code> = [
        .spawnFailed, .executableNotFound, .failedToChangeWorkingDirectory,
    ]

    /// Ends with an error as soon as the program has to end.
    private func watch(_ isWanted: @Sendable () -> Bool) async throws -> TerminationStatus? {
        let deadline = ContinuousClock.now.advanced(by: command.timeLimit)
        while true {
            guard isWanted() else { throw Stop.unwanted }
            guard ContinuousClock.now < deadline else { throw Stop.tooSlow }
            try await Task.sleep(for: .seconds(Self.lookSeconds))
        }
    }

    private func carryOut(_ line: @Sendable (String) -> Void) async throws -> TerminationStatus {
        var options = PlatformOptions()
        // With all that it started.
        options.createSession = true
        options.teardownSequence = [
            .send(
                signal: .terminate, toProcessGroup: true,
                allowedDurationToNextStep: .seconds(Self.farewellSeconds))
        ]
        let log = try FileDescriptor.open(
            FilePath(folder.log), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        defer { try? log.close() }
        let program = command.words[0]
        let threads = String(command.threads)
        let record = try await Subprocess.run(
            program.contains("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(Array(command.words.dropFirst())),
            environment: .inherit.updating(["OMP_NUM_THREADS": threads, "SHOAL_TASK": task]),
            workingDirectory: FilePath(task), platformOptions: options, input: .none, output: .sequence,
            error: .fileDescriptor(log, closeAfterSpawningProcess: false)
        ) { execution in
            try folder.remember(execution.processIdentifier.value)
            let lines = execution.standardOutput.strings(bufferingPolicy: .maxLineLength(Self.lineBytesMax))
            do {
                for try await text in lines { line(text) }
            } catch let error as SubprocessError where error.code == .outputLimitExceeded {
                throw Stop.endlessLine
            }
        }
        // What it started and did not wait for.
        folder.endLeftProgram()
        return record.terminationStatus
    }
}
