import ArgumentParser
import Coordinator
import Federation
import ModelFiles
import Reporting

struct RunReport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write a run's report: one HTML file with plots and tables, and a Markdown summary.",
        discussion: """
            The file loads nothing from anywhere, follows the reader's light or dark setting, and prints. It names workers, \
            but where participation is secret (central privacy) says nothing about it.
              shoal run report STATE                        report.html and report.md
              shoal run report STATE 4a5f --out old.html    a run that was archived there
            """)

    @OptionGroup var place: Run.Place

    @Option(help: "The HTML file to write.")
    var out = "report.html"

    @Option(help: "The Markdown summary to write (default: beside the HTML file, ending in .md).")
    var markdown: String?

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func run() throws {
        let written = try usingInput {
            let (ledger, _) = try place.open()
            let run = try ReportedRun(ledger: ledger, state: place.folder)
            let summary = markdown ?? (out.hasSuffix(".html") ? String(out.dropLast(5)) : out) + ".md"
            try AtomicFile.write(Array(ReportPage(run).html().utf8), to: out)
            try AtomicFile.write(Array(ReportSummary(run).markdown().utf8), to: summary)
            return Written(html: AbsolutePath.of(out), markdown: AbsolutePath.of(summary), rounds: run.rounds.count)
        }
        if json { return try JSONLine.print(written) }
        Console.output("\(written.html): report of \(written.rounds) rounds; as Markdown: \(written.markdown)")
    }

    private struct Written: Encodable {
        let html: String
        let markdown: String
        let rounds: Int
    }
}
