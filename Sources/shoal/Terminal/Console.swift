import Glibc

/// Whole lines to standard output and standard error; safe from several threads because each line is one write.
enum Console {
    static func output(_ line: String) {
        write(line + "\n", to: STDOUT_FILENO)
    }

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

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR { continue }
                return  // A closed pipe or terminal: nobody is left to tell.
            }
            bytes = bytes.dropFirst(written)
        }
    }
}
