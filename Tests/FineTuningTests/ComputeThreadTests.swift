import FineTuning
import Foundation
import Testing

@Suite("The compute thread")
struct ComputeThreadTests {
    // Written by the compute thread alone and read after it answered.
    private final class Record: @unchecked Sendable {
        var jobs: [Int] = []
        var threads: Set<ObjectIdentifier> = []
    }

    @Test("runs every job once, in order, on one thread of its own")
    func order() async {
        let record = Record()
        let compute = ComputeThread(name: "test")
        for number in 0..<100 {
            compute.post {
                record.jobs.append(number)
                record.threads.insert(ObjectIdentifier(Thread.current))
            }
        }
        await withCheckedContinuation { done in compute.post { done.resume() } }
        #expect(record.jobs == Array(0..<100))
        #expect(record.threads.count == 1)
    }

    @Test("finishes what was posted before its owner let go")
    func drains() async {
        await withCheckedContinuation { done in
            let compute = ComputeThread()
            compute.post { done.resume() }
        }
    }
}
