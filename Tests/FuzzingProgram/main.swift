import Fuzzing
import Glibc

/// libFuzzer's loop (llvm/lib/Fuzzer/FuzzerDriver.cpp), which the sanitizer's runtime brings along.
@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ oneInput: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The environment's choice: libFuzzer owns the command line.
enum Chosen {
    static let target: FuzzTarget = {
        let name = getenv("SHOAL_FUZZ_TARGET").map { String(cString: $0) } ?? ""
        guard let target = FuzzTarget(rawValue: name) else {
            let known = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
            fatalError("SHOAL_FUZZ_TARGET is '\(name)'; known: \(known)")
        }
        return target
    }()

    /// Safe: libFuzzer gives one input after the other, on the main thread.
    nonisolated(unsafe) static let read: FuzzTarget.Reader = {
        do { return try target.reader() } catch { fatalError("\(target.rawValue): \(error)") }
    }()
}

/// The runtime's own `main`, which this file replaces, asks for it by name.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        _ = try Chosen.read(Array(UnsafeBufferPointer(start: start, count: count)))
    } catch {
        fatalError("\(Chosen.target.rawValue): \(error)")
    }
    return 0
}

if let folder = getenv("SHOAL_FUZZ_SEEDS").map({ String(cString: $0) }) {
    // Writes the corpus to start from, and ends.
    for (index, seed) in try Chosen.target.seeds().enumerated() {
        guard let file = fopen("\(folder)/seed-\(index)", "w") else { fatalError("\(folder) cannot be written") }
        fwrite(seed, 1, seed.count, file)
        fclose(file)
    }
} else {
    var argumentCount = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    exit(runFuzzer(&argumentCount, &arguments, fuzzOneInput))
}
