import Glibc

/// How many connections a process may hold: each is a descriptor.
public enum DescriptorLimit {
    /// Raises this process's limit as far as the system lets it; many systems start processes with 1,024.
    public static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
