internal import CKernels

/// The instruction set that the vector kernels use.
public enum KernelLevel: Int32, Sendable, CaseIterable, Comparable {
    case baseline = 0
    case avx2 = 1
    case avx512 = 2

    /// The level in use: the highest one of this CPU, unless a test chose another.
    public static var current: KernelLevel { KernelLevel(rawValue: shoal_kernels_level()) ?? .baseline }

    /// Those that this CPU can run.
    public static var supported: [KernelLevel] { allCases.filter { $0.rawValue <= shoal_kernels_highest() } }

    /// Uses this level from now on; false where the CPU lacks it. Only while nothing computes.
    package func force() -> Bool { shoal_kernels_force(rawValue) }

    public static func < (left: KernelLevel, right: KernelLevel) -> Bool { left.rawValue < right.rawValue }
}
