internal import CKernels

/// How many threads matrix products and kernels use in this process.
public enum Threads {
    /// At most `count` threads from now on, whichever thread computes; 0 takes one for each processor.
    ///
    /// Results do not depend on it for kernels, and are reproducible for one value of it for matrix products.
    public static func limit(to count: Int) {
        precondition(count >= 0, "\(count) threads")
        shoal_threads_limit(Int32(clamping: count))
    }

    /// Threads that a computation started here may use.
    public static var available: Int { Int(shoal_threads_available()) }
}
