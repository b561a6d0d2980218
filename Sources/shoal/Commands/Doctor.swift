import ArgumentParser
import Benchmarking
import Foundation
import Tensor
import Transport

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what this machine can do: processor, libraries, limits.")

    func run() throws {
        var table = TextTable(alignment: .left)
        for fact in Self.facts { table.add(fact.name, fact.value) }
        for line in table.lines { Console.output(line) }
        let problems = Self.facts.compactMap(\.problem)
        for problem in problems { Console.error("problem: \(problem)") }
        if !problems.isEmpty { throw CommandFailure.failed("") }
    }

    private struct Fact {
        let name: String
        let value: String
        var problem: String?
    }

    private static var facts: [Fact] {
        [
            Fact(name: "shoal", value: shoalVersion),
            Fact(name: "processor", value: processor),
            Fact(name: "cores", value: String(ProcessInfo.processInfo.activeProcessorCount)),
            Fact(name: "matrix products", value: speed),
            Fact(name: "vector kernels", value: "\(KernelLevel.current)"),
            Fact(name: "memory", value: Quantity.bytes(ProcessInfo.processInfo.physicalMemory)),
            Fact(name: "ZeroMQ", value: MessagingLibrary.version),
            Fact(
                name: "CURVE", value: MessagingLibrary.hasCurve ? "yes" : "no",
                problem: MessagingLibrary.hasCurve
                    ? nil : "this libzmq was built without CURVE encryption; install Debian's libzmq5"),
            openFiles,
        ]
    }

    private static var speed: String {
        Quantity.fixed(Double(ProductSpeed.ofOneCore()), digits: 0) + " GFLOP/s of float32, one core"
    }

    private static var processor: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
    }

    /// A coordinator needs a descriptor a worker.
    private static var openFiles: Fact {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Fact(
            name: "open files", value: "\(limit.rlim_cur) (at most \(limit.rlim_max))",
            problem: limit.rlim_cur < 256
                ? "only \(limit.rlim_cur) open files are allowed; raise it with: ulimit -n 4096" : nil)
    }
}
