import Benchmarking
import Foundation
import Glibc
import Logging
import ModelFiles
import Randomness
import Transport
import Worker

/// Workers that train nothing, each with its own keys, state and connection, on threads of one process.
struct FleetBenchmarkWorkers {
    let folders: [String]

    func run(logger: Logger) throws {
        DescriptorLimit.raise()
        // They stand for other machines: however many there are, they do not keep the coordinator from its processor.
        // Niceness would not do, for thousands of threads that wake together outweigh any.
        let idle: Int32 = 5  // SCHED_IDLE, which Glibc's module leaves out.
        var parameters = sched_param()
        _ = sched_setscheduler(0, idle, &parameters)
        // Each worker has a socket, its monitor and the monitor's reader; with its own keys new ones, before the first
        // have gone.
        let context = try MessagingContext(socketsMax: 6 * folders.count + 64)
        let model = try WorkerAssembly.heldModel(BuiltInModel.name)
        let workers = try folders.map { folder in
            let (transport, service) = try WorkerAssembly(
                join: JoinFile(reading: Self.join(folder)), state: folder + "/state", insecure: false, model: model,
                runner: NoTraining(), context: context
            ).service(logger: logger)
            return (transport, Handover(service))
        }
        let stop = { @Sendable in
            for (transport, service) in workers { transport.post { service.value.requestStop() } }
        }
        let signals = StopSignals(stop)
        let parent = ParentWatch(stop)
        let threads = workers.map { transport, service in
            DedicatedThread {
                do { try transport.run(service: service.value) } catch {
                    logger.error("\(error)")
                    stop()
                }
            }
        }
        for thread in threads { thread.join() }
        withExtendedLifetime((signals, parent)) {}
        for (_, service) in workers {
            guard case .finished = service.value.outcome else {
                throw CommandFailure.failed("a worker ended with \(String(describing: service.value.outcome))")
            }
        }
        Console.output("\(Self.peakLine)\(try PeakMemory.residentMiB())")
    }

    static func join(_ folder: String) -> String { folder + "/join" }

    private static let peakLine = "peak memory, MiB: "

    /// What a process wrote at its end.
    static func peakMiB(log: String) throws -> Double {
        let text = try String(contentsOfFile: log, encoding: .utf8)
        guard let line = text.split(separator: "\n").last(where: { $0.hasPrefix(peakLine) }),
            let value = Double(line.dropFirst(peakLine.count))
        else { throw CommandFailure.failed("\(log) has no line '\(peakLine)…'; the worker did not end well") }
        return value
    }
}

/// Answers a task at once with the adapter it was given and some noise: values such as a codec meets.
private final class NoTraining: TaskRunning {
    private static let noise: [Float] = {
        var random = StreamKey(seed: 0, purpose: .batches).generator()
        return (0..<(1 << 16)).map { _ in random.normal() * 1e-3 }
    }()

    func start(_ task: LocalTask, report: @escaping @Sendable (TaskEvent) -> Void) {
        // From another place on for each lease, so that no two updates are equal.
        var place = Int(task.lease % UInt64(Self.noise.count))
        let values = task.values.withUnsafeBufferPointer { before in
            Self.noise.withUnsafeBufferPointer { noise in
                [Float](unsafeUninitializedCapacity: before.count) { values, done in
                    while done < before.count {
                        let count = min(noise.count - place, before.count - done)
                        for index in 0..<count {
                            values.initializeElement(at: done + index, to: before[done + index] + noise[place + index])
                        }
                        done += count
                        place = 0
                    }
                }
            }
        }
        report(.trained(values: values, trainingItems: 1, steps: 1, tokens: 1, meanLoss: 1))
    }

    func cancel(lease: UInt64) {}
}
