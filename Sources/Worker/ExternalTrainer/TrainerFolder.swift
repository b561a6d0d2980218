internal import FoundationEssentials
internal import Glibc
internal import ModelFiles

/// Where a worker's own trainer works: a folder for each task, so that no program writes into another one's, and what is
/// there beside tasks.
///
///     task-<random>/   ``TrainerFiles``
///     session          the program that runs: its process, which leads a session, and when that began
///     trainer.log      what the last one wrote to its standard error
struct TrainerFolder: Sendable {
    let path: String

    var log: String { path + "/trainer.log" }
    private var session: String { path + "/session" }

    /// An empty folder for a task. What a worker left that was killed is ended and removed: its program would go on.
    func makeTask() throws -> String {
        endLeftProgram()
        try clear()
        let task = path + "/task-" + String(UInt64.random(in: .min ... .max), radix: 16)
        try PrivateAccess.makeFolder(task)
        return task
    }

    /// Removes everything but the log.
    func clear() throws {
        let files = FileManager.default
        guard files.fileExists(atPath: path) else { return }
        for entry in try files.contentsOfDirectory(atPath: path) where entry != "trainer.log" {
            try files.removeItem(atPath: path + "/" + entry)
        }
    }

    /// - Parameter process: It leads a session.
    func remember(_ process: pid_t) throws(FileError) {
        guard let began = Self.beginning(of: process) else { return }
        try StateFolder.overwrite(session, with: Array("\(process) \(began)\n".utf8))
    }

    /// Ends the program that an earlier process of this worker started, with all that is left of what that started.
    func endLeftProgram() {
        guard let text = try? StateFolder.read(session, bytesMax: 256) else { return }
        let words = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let process = pid_t(words[0]), process > 1 else { return }
        // Another process may have the number by now; not so while any of the group is left.
        if let began = Self.beginning(of: process), began != words[1] { return }
        kill(-process, SIGKILL)
    }

    /// When a process began, in the kernel's own unit; `nil` if there is none.
    private static func beginning(of process: pid_t) -> String? {
        guard let bytes = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return nil }
        // The name, in brackets, may hold anything.
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 19 ? String(fields[19]) : nil
    }
}
