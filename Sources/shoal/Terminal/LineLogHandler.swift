import FoundationEssentials
import Logging

/// Log records on standard error, as text or as one JSON object a line.
struct LineLogHandler: LogHandler {
    enum Format: String, CaseIterable, Sendable { case text, json }

    let label: String
    let format: Format
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
            .mapValues { "\($0)" }.sorted { $0.key < $1.key }
        let time = Date().formatted(.iso8601)
        switch format {
        case .text:
            let pairs = fields.map { " \($0.key)=\($0.value)" }.joined()
            Console.error("\(time) \(event.level) \(event.message)\(pairs)")
        case .json:
            var record = ["time": time, "level": "\(event.level)", "logger": label, "message": "\(event.message)"]
            for (key, value) in fields where record[key] == nil { record[key] = value }
            // A dictionary of strings always encodes.
            if let line = try? JSONLine.text(record) { Console.error(line) }
        }
    }
}
