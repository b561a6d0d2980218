internal import Glibc

/// A system call on a file that failed: what was attempted, on which path, and the system's own reason.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted, for example `open`.
    public let operation: String
    public let path: String
    /// The `errno` of the failure.
    public let code: Int32
    /// The system's text for `code`, for example `No such file or directory`.
    public let reason: String

    public init(operation: String, path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
        // glibc's strerror is thread-safe since 2.32: its buffer for unknown codes is thread-local.
        self.reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }

    public var description: String {
        "cannot \(operation) \(path): \(reason)"
    }

    /// Whether the path names nothing.
    package var isMissing: Bool { code == ENOENT }

    /// The calling thread's current `errno`.
    package static func last(_ operation: String, _ path: String) -> FileError {
        FileError(operation: operation, path: path, code: errno)
    }
}

/// Repeats a system call that a signal interrupted.
package func retryingInterrupts<Result: FixedWidthInteger & SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
