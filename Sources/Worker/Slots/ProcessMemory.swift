internal import CMalloc

/// What this process keeps of memory that it does not use.
public enum ProcessMemory {
    /// Allocations from this size on go back to the system when they are freed. Unit: bytes.
    private static let mappedFrom: Int32 = 256 << 10

    /// Lets glibc keep little: few arenas, and nothing of large allocations. For a process that mostly waits; call it
    /// before there are threads.
    public static func keepLittle() {
        mallopt(M_ARENA_MAX, 2)
        // Set by hand, the bound does not grow with what is freed, as it would up to 32 MiB.
        mallopt(M_MMAP_THRESHOLD, mappedFrom)
        mallopt(M_TRIM_THRESHOLD, mappedFrom)
    }

    /// Gives free pages back to the system.
    public static func giveBack() {
        malloc_trim(0)
    }
}
