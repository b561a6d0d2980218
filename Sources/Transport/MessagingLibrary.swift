import CZeroMQ

/// The ZeroMQ library behind the links.
public enum MessagingLibrary {
    /// Of the running library, for example `4.3.4`.
    public static var version: String {
        var numbers: (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&numbers.0, &numbers.1, &numbers.2)
        return "\(numbers.0).\(numbers.1).\(numbers.2)"
    }

    /// Whether it was built with the CURVE mechanism, without which nothing here is encrypted.
    public static var hasCurve: Bool { zmq_has("curve") == 1 }
}
