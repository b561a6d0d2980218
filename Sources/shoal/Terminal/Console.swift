import Glibc
import Synchronization

/// Whole lines to standard output and standard error; safe from several threads because each line is one write.
enum Console {
    /// A result that cannot be delivered fails the command at its end: see ``requireDelivered()``.
    static func output(_ line: String) {
        outputText(line + "\n")
    }

    /// A part of a result, without a line end.
    static func outputText(_ text: String) {
        guard !write(text, to: STDOUT_FILENO) else { return }
        undelivered.store(errno, ordering: .relaxed)
    }

    /// - Throws: If a line for standard output was lost.
    static func requireDelivered() throws {
        let code = undelivered.load(ordering: .relaxed)
        guard code != 0 else { return }
        throw CommandFailure.failed("cannot write to standard output: \(String(cString: strerror(code)))")
    }

    /// The `errno` of the last line that was lost; 0 if none was.
    private static let undelivered = Atomic<Int32>(0)

    /// Control characters are left out: a line may quote another machine's words, and must not steer this terminal.
    static func error(_ line: String) {
        let isPrintable = { (scalar: Unicode.Scalar) in scalar == "\n" || scalar == "\t" || !isControl(scalar) }
        write(String(String.UnicodeScalarView(line.unicodeScalars.filter(isPrintable))) + "\n", to: STDERR_FILENO)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control
    }

    /// Text without a line end, for a progress line that is drawn over.
    static func errorText(_ text: String) {
        write(text, to: STDERR_FILENO)
    }

    static let errorIsTerminal = isatty(STDERR_FILENO) == 1

    /// Columns of the terminal behind standard error; 80 when unknown.
    static var errorColumns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// - Returns: Whether all of it was written.
    @discardableResult
    private static func write(_ text: String, to descriptor: Int32) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR { continue }
                return false
            }
            bytes = bytes.dropFirst(written)
        }
        return true
    }
}
