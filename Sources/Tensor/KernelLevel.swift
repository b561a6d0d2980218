internal import CKernels
internal import Synchronization

/// The instruction set that the vector kernels use.
public enum KernelLevel: Int32, Sendable, CaseIterable, Comparable {
    case baseline = 0
    case avx2 = 1
    case avx512 = 2
    /// With products of bfloat16 pairs.
    case avx512bf16 = 3

    /// The level in use: the highest one of this CPU, unless a test chose another.
    public static var current: KernelLevel { KernelLevel(rawValue: shoal_kernels_level()) ?? .baseline }

    /// Those that this CPU can run.
    public static var supported: [KernelLevel] { allCases.filter { $0.rawValue <= shoal_kernels_highest() } }

    /// Runs `body` at this level; one caller at a time, since the level is the process's.
    package func whileInUse<Result>(_ body: () throws -> Result) rethrows -> Result {
        try Self.turn.withLock { _ in
            let before = Self.current
            precondition(shoal_kernels_force(rawValue), "this CPU has no \(self)")
            defer { shoal_kernels_force(before.rawValue) }
            return try body()
        }
    }

    private static let turn = Mutex(())

    public static func < (left: KernelLevel, right: KernelLevel) -> Bool { left.rawValue < right.rawValue }
}
