import ArgumentParser
import Coordinator
import Federation

struct RunPrivacy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "privacy",
        abstract: "Tell on one page what a run promises about its workers' data, and how much of that is spent.")

    @OptionGroup var place: Run.Place

    @Flag(help: "Print one JSON object instead of the page.")
    var json = false

    func run() throws {
        try usingInput {
            let (ledger, record) = try place.open()
            let masks = MaskingPage(record)
            let examples = ExamplePage(record)
            let audits = try ledger.audits()
            guard let report = try PrivacyReport(ledger: ledger) else {
                if json {
                    return try JSONLine.print(

                        NoPrivacyLine(
                            run: record.id.text, masks: masks?.line, examples: examples,
                            audits: audits.map(AuditLine.init)))
                }
                for line in PrivacyPage.without(record.id, masks: masks, examples: examples, audits: audits) {
                    Console.output(line)
                }
                return
            }
            let runs = try StateBudget(state: place.state)
            if json {
                return try JSONLine.print(
                    PrivacyLine(report, masks: masks?.line, examples: examples, audits: audits, runs: runs))
            }
            let page = PrivacyPage(report, masks: masks, examples: examples, audits: audits, runs: runs)
            for line in page.lines { Console.output(line) }
        }
    }
}
