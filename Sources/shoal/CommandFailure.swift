/// Ends a command with a sentence for the person and one of the contract's exit codes.
struct CommandFailure: Error {
    static let failedCode: Int32 = 1
    static let badInputCode: Int32 = 2
    static let interruptedCode: Int32 = 130

    let code: Int32
    let message: String

    /// Something in the input, configuration or environment that the person can mend.
    static func badInput(_ message: String) -> CommandFailure {
        CommandFailure(code: badInputCode, message: message)
    }

    static func failed(_ message: String) -> CommandFailure {
        CommandFailure(code: failedCode, message: message)
    }

    /// Stopped by a signal; what was reached is kept.
    static func interrupted(_ message: String = "") -> CommandFailure {
        CommandFailure(code: interruptedCode, message: message)
    }
}

/// Runs work on a person's input; whatever it throws ends the command with exit code 2.
func usingInput<Value>(_ work: () throws -> Value) throws -> Value {
    do {
        return try work()
    } catch let failure as CommandFailure {
        throw failure
    } catch {
        throw CommandFailure.badInput("\(error)")
    }
}
