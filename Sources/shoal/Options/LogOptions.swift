public import ArgumentParser
public import Logging

extension Logger.Level: @retroactive ExpressibleByArgument {}
extension LineLogHandler.Format: ExpressibleByArgument {}

/// `--log-level` and `--log-format`, taken by every command.
struct LogOptions: ParsableArguments {
    @Option(help: "Least level of log records shown: trace, debug, info, notice, warning, error, critical.")
    var logLevel: Logger.Level = .warning

    @Option(help: "Log records as text or as one JSON object a line: text, json.")
    var logFormat: LineLogHandler.Format = .text

    func logger(_ label: String) -> Logger {
        Logger(label: label) { LineLogHandler(label: $0, format: logFormat, logLevel: logLevel) }
    }
}
