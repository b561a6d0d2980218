import Coordinator
import Federation
import Foundation

/// What a run promises about its workers' data, as a page for people who answer for that data.
struct PrivacyPage {
    private let report: PrivacyReport
    /// `nil` where updates reach the coordinator as they leave the worker.
    private let masks: MaskingPage?
    private let examples: ExamplePage?
    private let audits: [AuditRecord]
    /// All runs of the state directory, where there is more than one.
    private let runs: StateBudget?

    init(
        _ report: PrivacyReport, masks: MaskingPage?, examples: ExamplePage?, audits: [AuditRecord],
        runs: StateBudget?
    ) {
        self.report = report
        self.masks = masks
        self.examples = examples
        self.audits = audits
        self.runs = runs
    }

    static func without(
        _ run: RunID, masks: MaskingPage?, examples: ExamplePage?, audits: [AuditRecord]
    ) -> [String] {
        let promise = "Run \(run) promises no differential privacy: 'privacy.mechanism' is none."
        let sections =
            (masks.map { section("Sums under masks", $0.sentences) } ?? [])
            + (examples.map { section(exampleTitle, $0.sentences) } ?? [])
            + (audits.isEmpty ? [] : section(auditTitle, AuditNote.lines(audits)))
        if !sections.isEmpty {
            return [promise, "", "Workers' texts stay with the workers.", ""] + sections.dropLast()
        }
        return [
            promise, "",
            "Workers' texts stay with the workers. Their updates reach the coordinator in the clear (over encrypted",
            "connections), and what is learned from the published adapter about one worker's text has no bound.",
        ]
    }

    var lines: [String] {
        var lines = ["Privacy of run \(report.run)", ""]
        if report.terms.isSeeded {
            lines += [
                "THIS IS A SIMULATION: coins and noise came from the run's seed. Whoever knows the seed can take the noise",
                "away; the numbers below are what a real run with these settings would promise.", "",
            ]
        }
        lines += Self.section("Guarantee", guarantee)
        lines += ["Budget"] + budget.lines + [""]
        if !isCentral, !report.workers.isEmpty {
            lines += ["Workers that have spent most"] + spenders.lines + [""]
        }
        if let runs { lines += Self.section("All runs of this state directory", runs.sentences) }
        lines += ["How"] + parameters.lines + [""]
        if let masks { lines += Self.section("Sums under masks", masks.sentences) }
        if let examples { lines += Self.section(Self.exampleTitle, examples.sentences) }
        lines += Self.section("What it rests on", assumptions)
        lines += Self.section("What this does not protect", gaps)
        lines += Self.section("Who is trusted with what", trust)
        lines += Self.section("What leaves a worker", exposure)
        lines += Self.section(Self.auditTitle, audits.isEmpty ? ["none recorded yet"] : AuditNote.lines(audits))
        lines.removeLast()
        return lines
    }

    private static let exampleTitle = "Noise on single examples"
    private static let auditTitle = "Attacks tried on this run (audits)"

    private var terms: PrivacyTerms { report.terms }
    /// Whether the coordinator adds the noise.
    private var isCentral: Bool { terms.mechanism.addsNoiseToSums }
    private var isCorrelated: Bool { terms.mechanism == .ftrl }
    /// Whether workers add shares of it under masks.
    private var isShared: Bool { terms.mechanism == .distributed }

    private var guarantee: [String] {
        let odds = exp(report.epsilonSpent)
        return [
            "(\(number(report.epsilonSpent)), \(scientific(terms.delta)))-differential privacy so far, of at most epsilon "
                + "\(number(terms.epsilon)), for each worker with all its text together.",
            "In words: whatever anybody concludes from "
                + (isCentral
                    ? "all adapters that this run has published"
                    : isShared ? "all sums and adapters of this run" : "all updates that a worker has sent")
                + ", it is "
                + "at most \(number(odds)) times as likely with a worker's text in the run as without it, but for a chance "
                + "of \(scientific(terms.delta)).",
            isCentral
                ? "Without it means: with a fixed number of workers to divide by, and nothing from this one."
                : "Without it means: with nothing but \(isShared ? "its share of the noise" : "noise") from this worker. "
                    + "Between two texts of its own those odds may "
                    + "be as many times as large again.",
            (isShared
                ? "It holds against any side knowledge, and for everything that is later made of the adapters; against the "
                    + "coordinator as long as its computing power breaks neither the masks nor the noise's ChaCha20 streams."
                : "It holds against any side knowledge, and for everything that is later made of the adapters; against "
                    + "anybody whose computing power does not tell the noise, a ChaCha20 stream of a secret 256-bit key, "
                    + "from a random one."),
        ]
    }

    private var budget: TextTable {
        var table = TextTable(alignment: .left)
        table.add("epsilon, budget", number(terms.epsilon))
        if isShared {
            table.add("epsilon, spent", "\(number(report.epsilonSpent)) (Rényi divergences of Skellam noise)")
        } else {
            table.add("epsilon, spent", "\(number(report.epsilonSpent)) (privacy loss distributions; counts)")
            table.add(
                "", "\(number(report.epsilonSpentRenyi)) (Rényi divergences; second opinion, never below the truth)")
        }
        table.add("epsilon, left", number(max(0, terms.epsilon - report.epsilonSpent)))
        table.add("delta", scientific(terms.delta))
        table.add("rounds published", "\(report.publishedRounds)")
        table.add(
            isCorrelated
                ? "steps paid for (one each \(terms.separation) rounds)"
                : isCentral ? "releases paid for" : "rounds paid for, most of any worker",
            "\(report.steps)" + (report.unreleased > 0 ? ", \(report.unreleased) of them not released (yet)" : ""))
        table.add("more that fit", "\(report.stepsLeft)")
        if !isCentral { table.add("workers that paid", "\(report.workers.count)") }
        return table
    }

    /// Each pays for itself.
    private var spenders: TextTable {
        var table = TextTable(alignment: .left)
        table.add("worker", "epsilon, spent", "epsilon, left")
        for worker in report.workers.sorted(by: { ($1.epsilon, $0.name) < ($0.epsilon, $1.name) }).prefix(5) {
            table.add(
                worker.name.text, number(worker.epsilon), number(max(0, terms.epsilon - worker.epsilon)))
        }
        return table
    }

    private var parameters: TextTable {
        var table = TextTable(alignment: .left)
        if isCorrelated {
            table.add("a worker rests", "until \(terms.separation) rounds after one that counted its update")
            table.add("noise is correlated", "over \(terms.bands) rounds, so that it partly cancels in the adapter")
        }
        table.add(
            "noise",
            isCentral
                ? "by the coordinator, once a round, on the sum of updates"
                : isShared
                    ? "by each worker, a share of it, under masks" : "by each worker, on its own update")
        table.add("noise / clip", number(terms.noiseMultiplier))
        if let lattice = terms.lattice {
            table.add("shares that make it whole", "\(terms.minimumHonest), of workers that do not collude")
            table.add("clip in steps", "\(number(lattice.norm)), rounding included, over \(lattice.dimension) values")
        }
        table.add(
            "clip (L2 norm)",
            terms.isClipAdaptive
                ? "\(number(terms.clip)) at first, \(number(report.nextClip)) next (adaptive)" : number(terms.clip))
        if terms.mechanism == .central {
            table.add("chance to take part", "\(number(terms.samplingRate)) a round, a secret coin per enrolled worker")
        }
        if isCentral {
            table.add("sums divided by", "\(terms.expectedWorkers), whoever took part; all workers count alike")
        }
        table.add("workers planned", "\(terms.workers), \(report.enrolled) enrolled")
        return table
    }

    private var assumptions: [String] {
        var lines = [
            "Every worker is one person or organisation: text of one owner under two workers' names counts twice.",
            "The ledger of this state directory is the one that has been kept since the first round. Entries are written "
                + "before noise is released and never removed; a backup that is put back forgets what was spent after it.",
            "The budget is this run's: the next run of the same workers has a budget of its own, and what both promise adds "
                + "up.",
        ]
        if isCorrelated {
            lines.append(
                "No worker's update counts twice within \(terms.separation) rounds: the coordinator asks nobody sooner, and a "
                    + "step is paid for in advance every \(terms.separation) rounds. Who takes part need not be secret."
            )
        }
        if isShared {
            lines.append(
                "No sum comes out in which those that may collude with the coordinator leave fewer than "
                    + "\(terms.minimumHonest) workers: every worker checks that before it signs who survived, and the others' "
                    + "shares of the noise make up for those that dropped out. The guarantee rests on masks and noise "
                    + "together: more colluding workers than assumed leave less noise.")
        }
        if terms.mechanism == .central {
            lines.append(
                "Who took part in a round stays secret: each worker's coin comes from "
                    + (terms.isSeeded ? "the run's seed (a simulation)" : "the system's cryptographic generator")
                    + ", rounds close by their deadline alone, and no record tells names or numbers.")
        }
        return lines
    }

    private var gaps: [String] {
        var lines = [
            "Workers over several runs: each run has a budget of its own, also one that was only to try settings, and what "
                + "they promise adds up.",
            "A person with text at several workers: each worker is protected for itself, and such a person's guarantee is "
                + "weaker, as many times the epsilon as workers at least.",
            isCentral || isShared
                ? "That a worker takes part at all, sizes and times of messages: whoever watches the network sees them."
                : "That a worker takes part, when, and sizes and times of messages: the coordinator and whoever watches the "
                    + "network see them. How long it trained may tell how much text it has.",
            "What workers say of themselves (cores, memory, program version, progress), and what they decline and why: no "
                + "noise is added to that.",
        ]
        if examples != nil {
            lines.append(
                "A worker's text as a whole, by the noise on single blocks or examples: see above what that counts.")
        }
        return lines
    }

    private var trust: [String] {
        if isCentral {
            return [
                "The coordinator's operator: with everything. The state directory holds each round's single updates until it "
                    + "is published, and who took part; connections and traffic show it too. Whoever may not know a "
                    + "worker's update must not have this machine.",
                "Other workers, and everybody who gets an adapter: with nothing. The guarantee holds against all of them "
                    + "together, though a worker knows that it was asked itself.",
                "A worker: with its own honesty only. What it sends is clipped again by the coordinator, so it cannot break "
                    + "the promise to others.",
            ]
        }
        if isShared {
            return [
                "The coordinator's operator: with following the protocol, and with inventing no workers. It sees noisy sums "
                    + "of updates and no single one.",
                "Other workers: at least \(terms.minimumHonest) in each sum with adding their shares of the noise and "
                    + "telling them to nobody. A worker that adds none, or more than its clip, is not found out.",
                "Everybody who gets an adapter: with nothing.",
                "Each worker's own program: with drawing its share, from a secret in its own folder (noise.key).",
            ]
        }
        return [
            "The coordinator's operator, other workers and everybody who gets an adapter: with nothing. The guarantee holds "
                + "for each update as it leaves its worker.",
            "Each worker's own program: with drawing its noise, from a secret in its own folder (noise.key), and with "
                + "refusing other settings than its owner wants.",
        ]
    }

    private var exposure: [String] {
        [
            "updates: clipped"
                + (isCentral
                    ? "; noise is added at the coordinator"
                    : isShared ? ", with a share of the noise, and under masks" : " and noisy") + ".",
            "training loss, tokens trained, size of its text: withheld (privacy.metrics).",
            "held-out losses: none; the coordinator evaluates on text of its own, if it has some.",
            "progress (phase and step), number of cores, memory, program version: yes; they do not depend on its text.",
        ]
    }

    private static func section(_ title: String, _ sentences: [String]) -> [String] {
        [title] + sentences.flatMap { wrapped("- " + $0) } + [""]
    }

    /// Lines of at most 100 columns, indented.
    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        var line = " "
        for word in text.split(separator: " ") {
            if line.count + 1 + word.count > 100 {
                lines.append(line)
                line = "   "
            }
            line += " " + word
        }
        return lines + [line]
    }

    private func number(_ value: Double) -> String {
        guard value.isFinite else { return Quantity.fixed(value, digits: 4) }
        return value >= 1e6 ? scientific(value) : Quantity.fixed(value, digits: value >= 100 ? 1 : 4)
    }

    private func scientific(_ value: Double) -> String { String(format: "%.3g", value) }
}

/// `{"run":…,"mechanism":…}`: what `run privacy --json` prints.
struct PrivacyLine: Encodable {
    private struct Worker: Encodable {
        let name: String
        let steps: Int
        let epsilon: Double
    }

    private let run: String
    private let mechanism: String
    private let isSimulation: Bool
    private let epsilon: Double
    private let delta: Double
    private let epsilonSpent: Double
    private let epsilonSpentRenyi: Double
    private let epsilonLeft: Double
    private let rounds: Int
    private let steps: Int
    private let stepsUnreleased: Int
    private let stepsLeft: Int
    private let samplingRate: Double
    private let noiseMultiplier: Double
    private let clip: Double
    private let nextClip: Double
    private let isClipAdaptive: Bool
    /// Where workers share the noise: the clip in steps, and how many honest shares make the noise whole.
    private let clipInSteps: Double?
    private let minimumHonest: Int?
    private let workersPlanned: Int
    private let workersExpected: Int
    private let workersEnrolled: Int
    /// Of noise that workers add; central noise costs every worker the same.
    private let workers: [Worker]
    private let masks: MaskingLine?
    private let examples: ExamplePage?
    private let audits: [AuditLine]
    private let runs: StateBudget?

    init(
        _ report: PrivacyReport, masks: MaskingLine?, examples: ExamplePage?, audits: [AuditRecord],
        runs: StateBudget?
    ) {
        self.runs = runs
        self.masks = masks
        self.examples = examples
        run = report.run.text
        mechanism = report.terms.mechanism.rawValue
        isSimulation = report.terms.isSeeded
        epsilon = report.terms.epsilon
        delta = report.terms.delta
        epsilonSpent = report.epsilonSpent
        epsilonSpentRenyi = report.epsilonSpentRenyi
        epsilonLeft = max(0, report.terms.epsilon - report.epsilonSpent)
        rounds = report.publishedRounds
        steps = report.steps
        stepsUnreleased = report.unreleased
        stepsLeft = report.stepsLeft
        samplingRate = report.terms.samplingRate
        noiseMultiplier = report.terms.noiseMultiplier
        clip = report.terms.clip
        nextClip = report.nextClip
        isClipAdaptive = report.terms.isClipAdaptive
        clipInSteps = report.terms.lattice?.norm
        minimumHonest = report.terms.lattice.map { _ in report.terms.minimumHonest }
        workersPlanned = report.terms.workers
        workersExpected = report.terms.expectedWorkers
        workersEnrolled = report.enrolled
        workers = report.workers.map { Worker(name: $0.name.text, steps: $0.steps, epsilon: $0.epsilon) }
        self.audits = audits.map(AuditLine.init)
    }
}

struct NoPrivacyLine: Encodable {
    let run: String
    let masks: MaskingLine?
    let examples: ExamplePage?
    let audits: [AuditLine]
    let mechanism = "none"
}

struct AuditLine: Encodable {
    private let kind: String
    private let finding: String
    private let epsilonAtLeast: Double?
    /// Unit: seconds since 1970.
    private let at: Int64

    init(_ audit: AuditRecord) {
        kind = audit.kind.rawValue
        finding = audit.finding
        epsilonAtLeast = audit.epsilonAtLeast
        at = audit.at
    }
}
