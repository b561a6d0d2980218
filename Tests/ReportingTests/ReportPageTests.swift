import Foundation
import FoundationXML
import Reporting
import Testing

@Suite("Reports")
struct ReportPageTests {
    private func run(rounds: Int, workers: Int = 3) -> ReportedRun {
        var run = ReportedRun(
            id: "0a1b", state: "running", hidesParticipation: false, madeAt: "2026-01-01T00:00:00Z", software: "1.2.3")
        run.plannedRounds = 9
        run.base = .init(loss: 5, standardError: 0.1, accuracy: nil)
        run.rounds = (0..<rounds).map { index in
            var round = ReportedRun.Round(
                number: index + 1, attempt: 1, openedAt: 1000, publishedAt: 1010, seconds: 2.5)
            round.workers = workers
            round.trainLoss = 4 - Double(index) / 10
            round.uplinkBytes = UInt64(index + 1) * 1_000_000
            round.downlinkBytes = UInt64(index + 1) * 2_000_000
            round.denseUplinkBytes = UInt64(index + 1) * 4_000_000
            round.tokens = 640
            if index % 2 == 1 { round.evaluation = .init(loss: 3, standardError: 0.1, accuracy: 0.5) }
            return round
        }
        run.workers = (0..<workers).map { index in
            .init(
                name: "worker-\(index)", updates: rounds, failures: 0, items: 10, tokens: 640, firstLoss: 4,
                lastLoss: 3.5, suspicion: 0.25, isRevoked: false)
        }
        run.arrivals = run.workers.map { .init(worker: $0.name, seconds: 1) }
        return run
    }

    /// Each element's name and attributes, and the page's text; the body must be well-formed XML.
    private final class Reading: NSObject, XMLParserDelegate {
        var elements: [(name: String, attributes: [String: String])] = []
        var text = ""

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            elements.append((name, attributes))
        }

        func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
    }

    private func read(_ html: String) throws -> Reading {
        let start = try #require(html.range(of: "<body>"))
        let end = try #require(html.range(of: "</body>"))
        let parser = XMLParser(data: Data(html[start.lowerBound..<end.upperBound].utf8))
        let reading = Reading()
        parser.delegate = reading
        #expect(parser.parse(), "\(String(describing: parser.parserError)) in line \(parser.lineNumber)")
        return reading
    }

    @Test("pages of runs of any length are well-formed and hold no number that is none", arguments: [0, 1, 2, 50, 500])
    func lengths(_ rounds: Int) throws {
        let html = ReportPage(run(rounds: rounds)).html()
        let reading = try read(html)
        for element in reading.elements where element.name != "a" {
            for (name, value) in element.attributes where name != "aria-label" {
                #expect(!value.contains("nan") && !value.contains("inf"), "\(element.name) \(name)=\(value)")
            }
        }
        let figures = reading.elements.count { $0.name == "figure" }
        #expect(rounds == 0 ? figures <= 2 : figures >= 6)
        // A table beside each plot.
        #expect(reading.elements.count { $0.name == "details" } == figures)
        #expect(reading.elements.count { $0.name == "svg" && $0.attributes["role"] == "img" } == figures)
    }

    @Test(
        "what was sent is held against plain updates, more as more",
        arguments: [
            (4_000_000, "10 times less than plain updates"), (1_000_000, "2.5 times less than plain updates"),
            (420_000, "1.05 times less than plain updates"), (400_000, "as much as plain updates"),
            (384_000, "as much as plain updates"), (200_000, "2.0 times more than plain updates"),
            (10_000, "40 times more than plain updates"),
        ])
    func againstPlainUpdates(_ dense: UInt64, _ text: String) {
        var run = run(rounds: 1)
        run.rounds[0].uplinkBytes = 400_000
        run.rounds[0].denseUplinkBytes = dense
        let html = ReportPage(run).html()
        #expect(html.contains(text))
        #expect(html.contains("than plain updates") == text.contains("times"))
    }

    @Test("tokens that a worker withholds are not told as none")
    func withheldTokens() {
        var run = run(rounds: 2)
        let before = ReportPage(run).html().components(separatedBy: ">640<").count
        run.workers[1].tokens = nil
        #expect(ReportPage(run).html().components(separatedBy: ">640<").count == before - 1)
    }

    @Test("a page asks nobody for anything")
    func selfContained() throws {
        let html = ReportPage(run(rounds: 4)).html()
        for word in ["http:", "https:", "src=", "@import", "url(", "<script", "<link", "<iframe"] {
            #expect(!html.contains(word), "\(word)")
        }
        #expect(html.contains("default-src 'none'"))
    }

    @Test("identifiers are unique, and what is labelled by one finds it")
    func labels() throws {
        let reading = try read(ReportPage(run(rounds: 4)).html())
        let identifiers = reading.elements.compactMap { $0.attributes["id"] }
        #expect(Set(identifiers).count == identifiers.count)
        for element in reading.elements {
            for name in element.attributes["aria-labelledby"]?.split(separator: " ") ?? [] {
                #expect(identifiers.contains(String(name)), "\(name)")
            }
        }
    }

    @Test("words of strangers stay text")
    func escaping() throws {
        var run = run(rounds: 2)
        run.waitingFor = "<img src=x onerror=alert(1)> & \"quotes\" 'too' \u{1B}[31m"
        run.workers[0].name = "</title><script>"
        let html = ReportPage(run).html()
        #expect(!html.contains("<img") && !html.contains("<script>") && !html.contains("\u{1B}"))
        #expect(try read(html).text.contains("<img src=x onerror=alert(1)> & \"quotes\" 'too'"))
        let markdown = ReportSummary(run).markdown()
        #expect(!markdown.contains("<img"))
    }

    @Test("where participation is secret, nobody is named and nothing counted")
    func secret() throws {
        var run = run(rounds: 4)
        run.hidesParticipation = true
        run.workers = []
        run.arrivals = []
        for index in run.rounds.indices {
            run.rounds[index].workers = nil
            run.rounds[index].trainLoss = nil
            run.rounds[index].uplinkBytes = nil
            run.rounds[index].downlinkBytes = nil
            run.rounds[index].denseUplinkBytes = nil
            run.rounds[index].tokens = nil
        }
        run.privacy = .init(
            mechanism: "central", epsilon: 8, delta: 1e-5, epsilonSpent: 1.5, stepsLeft: 3, isSimulation: false)
        let text = try read(ReportPage(run).html()).text
        #expect(text.contains("Who and how many took part is secret"))
        #expect(!text.contains("Updates that counted") && !text.contains("Bytes a round") && !text.contains("worker-0"))
        #expect(text.contains("1.5000"))
        #expect(ReportSummary(run).markdown().contains("epsilon 1.5000 spent of 8.0000"))
    }

    /// Bars begin at 0, so with values 1 and 2 on one axis one bar is half as high as the other.
    @Test("heights of bars are in proportion to what they stand for")
    func bars() throws {
        var run = run(rounds: 2)
        run.rounds[0].seconds = 1
        run.rounds[1].seconds = 2
        let elements = try read(ReportPage(run).html()).elements
        let start = try #require(elements.firstIndex { $0.attributes["id"] == "durations" })
        let heights = elements[start...].filter { $0.name == "rect" }.prefix(2).compactMap {
            $0.attributes["height"].flatMap(Double.init)
        }
        try #require(heights.count == 2)
        #expect(abs(heights[1] - 2 * heights[0]) <= 0.2 && heights[0] > 10)
    }

    @Test("a rolled back attempt is marked in the plot and listed")
    func rollbacks() throws {
        var run = run(rounds: 3)
        run.gateTolerance = 0.05
        run.rollbacks = [.init(round: 2, attempt: 1, loss: nil, reference: 3.2, tolerance: 0.05)]
        let reading = try read(ReportPage(run).html())
        #expect(reading.elements.count { $0.attributes["class"] == "cross" } == 2)  // And in the key.
        #expect(reading.text.contains("rolled back") && reading.text.contains("not finite"))
        #expect(ReportSummary(run).markdown().contains("| 2 | 1 | not finite | 3.2000 | 0.0500 |"))
    }

    @Test("many workers fill a table and not the page's drawings")
    func manyWorkers() throws {
        let reading = try read(ReportPage(run(rounds: 3, workers: 1000)).html())
        #expect(reading.text.contains("worker-999"))
        #expect(reading.elements.count { $0.name == "circle" } < 400)
    }

    @Test("where workers evaluate, each one's own loss stands before and after, and that of those served worst")
    func ownLosses() throws {
        var run = run(rounds: 4)
        let plain = try read(ReportPage(run).html()).text
        #expect(!plain.contains("Held-out loss of each worker") && !plain.contains("worst tenth"))
        run.base?.worstDecile = 6.125
        run.rounds[3].evaluation?.worstDecile = 3.625
        run.workers[1].heldOut = (.init(round: 0, loss: 5.5), .init(round: 4, loss: 2.75))
        run.workers[2].heldOut = (.init(round: 0, loss: 3.5), .init(round: 4, loss: 3.875))
        let text = try read(ReportPage(run).html()).text
        #expect(text.contains("1 of 2 workers' held-out loss fell"))
        for number in ["6.1250", "3.6250", "5.5000", "2.7500", "3.8750"] { #expect(text.contains(number), "\(number)") }
        #expect(text.contains("worst tenth of the workers"))
        let markdown = ReportSummary(run).markdown()
        #expect(markdown.contains("Worst tenth") && markdown.contains("3.6250"))
    }

    @Test("energy is shown where somebody told it")
    func energy() throws {
        var run = run(rounds: 2)
        #expect(!ReportPage(run).html().contains("Energy"))
        run.rounds[1].energy = 1234
        run.rounds[1].isEnergyMeasured = true
        let text = try read(ReportPage(run).html()).text
        #expect(text.contains("Energy a round") && text.contains("1.23 kJ"))
        #expect(text.contains("of the workers, measured"))
        #expect(!text.contains("≈") && !ReportSummary(run).markdown().contains("≈"))
    }

    @Test("energy of which any part is an estimate is marked wherever it stands")
    func estimatedEnergy() throws {
        var run = run(rounds: 2)
        (run.rounds[0].energy, run.rounds[0].isEnergyMeasured) = (1000, true)
        run.rounds[1].energy = 234
        (run.workers[0].energy, run.workers[0].isEnergyMeasured) = (500, true)
        run.workers[1].energy = 734
        let text = try read(ReportPage(run).html()).text
        let markdown = ReportSummary(run).markdown()
        for part in ["≈ 1.23 kJ", "1.00 kJ", "≈ 234 J"] {
            #expect(text.contains(part) && markdown.contains(part), "\(part)")
        }
        #expect(!markdown.contains("≈ 1.00 kJ") && !text.contains("≈ 500 J"))
        #expect(text.contains("≈ 734 J") && text.contains("500 J"))
        #expect(text.contains("Energy a round, estimated"))
        #expect(markdown.contains("- Energy: **≈ 1.23 kJ** (of the workers, estimated in whole or in part)"))
    }

    @Test("a round's timeline shows what each worker's time went into, in proportion")
    func timeline() throws {
        var run = run(rounds: 1, workers: 2)
        run.rounds[0].seconds = 10
        var slow = ReportedRun.Arrival(worker: "worker-0", seconds: 10)
        (slow.offered, slow.answered, slow.sent, slow.trainingSeconds) = (0, 1, 8, 5)
        // An update that an earlier release recorded.
        run.arrivals = [slow, .init(worker: "worker-1", seconds: 4)]
        let reading = try read(ReportPage(run).html())
        let start = try #require(reading.elements.firstIndex { $0.attributes["id"] == "timeline" })
        let bars = reading.elements[start...].prefix { $0.name != "ul" }.filter { $0.name == "rect" }
        #expect(bars.map { $0.attributes["class"] } == ["fill-q", "fill-b", "fill-a", "fill-c", "fill-q"])
        let widths = bars.compactMap { $0.attributes["width"].flatMap(Double.init) }
        // 1 s without an answer, 2 s of downloading, 5 s of training, 2 s of sending; and 4 s of which nothing is known.
        try #require(widths.count == 5)
        for (width, seconds) in zip(widths, [1.0, 2, 5, 2, 4]) {
            #expect(abs(width - seconds * widths[2] / 5) <= 0.2, "\(width) for \(seconds) s")
        }
        for word in ["downloading, or waiting for its turn", "sending its update", "1.000 s", "3.000 s", "8.000 s"] {
            #expect(reading.text.contains(word), "\(word)")
        }
    }

    @Test("times of a timeline that do not fit together are still drawn in order")
    func disorderlyTimeline() throws {
        var run = run(rounds: 1, workers: 1)
        var arrival = ReportedRun.Arrival(worker: "worker-0", seconds: 2)
        // Asked in an earlier round of an asynchronous run; a worker whose clock runs fast.
        (arrival.offered, arrival.answered, arrival.sent, arrival.trainingSeconds) = (-3, -4, 5, 1e9)
        run.arrivals = [arrival]
        let elements = try read(ReportPage(run).html()).elements
        let start = try #require(elements.firstIndex { $0.attributes["id"] == "timeline" })
        let bars = elements[start...].prefix { $0.name != "ul" }.filter { $0.name == "rect" }
        #expect(bars.map { $0.attributes["class"] } == ["fill-a"])
    }
}
