import RunFile
import Testing

@Suite("Impossible combinations")
struct ImpossibleCombinationTests {
    static let refusals = Refusal.trainings + Refusal.rounds + Refusal.promises

    private static func problems(_ refusal: Refusal) -> [RunFileError.Problem] {
        do {
            _ = try RunConfiguration(yaml: refusal.file.yaml)
            return []
        } catch { return error.problems }
    }

    @Test("are refused at start with the line and the remedy", arguments: refusals)
    func refused(_ refusal: Refusal) throws {
        let file = refusal.file
        let key = refusal.key ?? String(refusal.settings[0].prefix { $0 != "=" })
        let line = try #require(file.lines[key], "\(key) is none of the settings")
        let problems = Self.problems(refusal)
        #expect(problems.count == 1 + refusal.others, "\(problems)")
        #expect(
            problems.contains { $0.location == "run.yaml:\(line)" && $0.message.contains(refusal.remedy) },
            "line \(line): \(problems)")
    }

    @Test("have a case each")
    func complete() {
        let met: [Int] = Self.refusals.flatMap { Self.problems($0).compactMap(\.constraint) }
        let missing = RunFileError.constraintKeys.enumerated().filter { !met.contains($0.offset) }
        #expect(missing.isEmpty, "add refusals between these keys: \(missing.map(\.element))")
    }
}
