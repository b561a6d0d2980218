import Coordinator
import FixtureFiles
import Foundation
import Monitor
import Testing
import WebClient

/// `Monitor.md` documents the API: no field and no metric may be missing there.
@Suite("The monitor's guide")
struct GuideTests {
    private let guide: String

    init() throws {
        guide = try String(
            contentsOfFile: FixtureFiles.packagePath("Sources/shoal/shoal.docc/Monitor.md"), encoding: .utf8)
    }

    /// Names of all fields, those inside lists and of absent values included.
    private func fields(_ value: Any) -> Set<String> {
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .struct:
            return mirror.children.reduce(into: []) { names, child in
                if let label = child.label { names.insert(label) }
                names.formUnion(fields(child.value))
            }
        // One element tells of all; keys of a dictionary are data.
        case .collection: return mirror.children.first.map { fields($0.value) } ?? []
        case .optional: return mirror.children.first.map { fields($0.value) } ?? []
        default: return []
        }
    }

    @Test func namesEveryFieldOfTheAPI() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        client.monitor.board.post(run.fleet())
        client.monitor.notices.note(.workerLost(run.names[1]))
        let answers: [Any] = [
            try await client.decode(RunAnswer.self, "api/v1/run"),
            try await client.decode(RunsAnswer.self, "api/v1/runs"),
            try await client.decode(RoundsAnswer.self, "api/v1/rounds"),
            try await client.decode(WorkersAnswer.self, "api/v1/workers"),
            try await client.decode(EventsAnswer.self, "api/v1/events"),
            try await client.decode(PrivacyAnswer.self, "api/v1/privacy"),
            EndOfStream(outcome: "finished"),
        ]
        let all = answers.reduce(into: Set<String>()) { $0.formUnion(fields($1)) }
        #expect(all.isSuperset(of: ["worstDecileLoss", "isStuck", "heldOutLoss", "detail", "outcome", "mechanism"]))
        for field in all.sorted() { #expect(guide.contains("`\(field)`"), "\(field)") }
        await client.stop()
    }

    @Test func namesEveryMetric() async throws {
        let sources = FixtureFiles.packagePath("Sources/Monitor/Metrics/RunMetrics.swift")
        let text = try String(contentsOfFile: sources, encoding: .utf8)
        let names = Set(text.matches(of: /"((?:shoal|process)_[a-z_]+)"/).map { String($0.1) })
        #expect(names.count > 25)
        for name in names.sorted() { #expect(guide.contains("`\(name)`"), "\(name)") }
    }
}
