package import CKernels

/// How numbers are stored. Sums are float32 whatever the type.
public enum ElementType: Sendable, Hashable {
    case float32
    case bfloat16

    /// Unit: bytes a value.
    public var size: Int {
        switch self {
        case .float32: 4
        case .bfloat16: 2
        }
    }

    package var kernelType: shoal_type { self == .float32 ? SHOAL_FLOAT32 : SHOAL_BFLOAT16 }
}
