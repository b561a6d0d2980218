import Glibc

/// Makes oneDNN's threads sleep while they wait.
///
/// GNU OpenMP's threads spin by default: on a machine that several processes share, they burn the cores the others
/// compute on (measured: two threads ten times slower than one). The runtime reads its policy when it is loaded, before
/// `main`, so the program starts itself once more with it set.
enum QuietThreads {
    private static let variable = "OMP_WAIT_POLICY"

    static func ensure() {
        guard getenv(variable) == nil else { return }
        setenv(variable, "passive", 1)
        execv(ProgramPath.own, CommandLine.unsafeArgv)
        // Where that fails the program goes on as it is, only slower beside others.
    }
}
