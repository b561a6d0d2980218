/// How a weight's numbers are stored.
public enum WeightFormat: Sendable {
    case float32

    /// Unit: bytes a value.
    public var size: Int {
        switch self {
        case .float32: 4
        }
    }
}
