import Foundation
import Glibc
import Synchronization
import Testing
import Worker

@Suite("Training slots")
struct TrainingSlotTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var limit = SlotLimit.automatic
        var cores = 4
        var available: UInt64 = 1_000
        var reserve: UInt64 = 100
        var need = SlotNeed(threads: 1, bytes: 100)
        var live: [LiveSlot] = []
        let fits: Bool
    }

    private static func live(_ threads: Int, _ bytes: UInt64, used: UInt64 = 0, stopped: Bool = false) -> LiveSlot {
        LiveSlot(need: SlotNeed(threads: threads, bytes: bytes), usedBytes: used, isStopped: stopped)
    }

    @Test(arguments: [
        Case(testDescription: "an empty machine", fits: true),
        Case(testDescription: "the last core", live: [live(3, 0)], fits: true),
        Case(testDescription: "no core left", live: [live(2, 0), live(2, 0)], fits: false),
        Case(testDescription: "more threads than cores, alone", need: SlotNeed(threads: 9, bytes: 1), fits: true),
        Case(
            testDescription: "more threads than cores, beside another", need: SlotNeed(threads: 9, bytes: 1),
            live: [live(1, 0)], fits: false),
        Case(
            testDescription: "memory to the last byte", need: SlotNeed(threads: 1, bytes: 600), live: [live(1, 300)],
            fits: true),
        Case(
            testDescription: "a byte too much", need: SlotNeed(threads: 1, bytes: 601), live: [live(1, 300)],
            fits: false),
        Case(
            testDescription: "what others hold already is not available any more", available: 700,
            need: SlotNeed(threads: 1, bytes: 600), live: [live(1, 300, used: 300)], fits: true),
        Case(
            testDescription: "others hold more than they said", available: 700,
            need: SlotNeed(threads: 1, bytes: 600), live: [live(1, 300, used: 900)], fits: true),
        Case(
            testDescription: "too little memory for anybody", available: 10, need: SlotNeed(threads: 1, bytes: 600),
            fits: true),
        Case(
            testDescription: "absurd needs do not overflow", need: SlotNeed(threads: 1, bytes: .max),
            live: [live(1, .max)], fits: false),
        Case(testDescription: "a stopped process keeps no core", live: [live(4, 0, stopped: true)], fits: true),
        Case(
            testDescription: "a stopped process keeps its memory", need: SlotNeed(threads: 1, bytes: 600),
            live: [live(1, 0), live(1, 401, used: 100, stopped: true)], fits: false),
        Case(
            testDescription: "a number counts tasks, not cores", limit: .count(3), cores: 1,
            live: [live(8, 0), live(8, 0)], fits: true),
        Case(testDescription: "a number is reached", limit: .count(2), live: [live(1, 0), live(1, 0)], fits: false),
    ])
    func admission(_ given: Case) {
        let admission = SlotAdmission(
            limit: given.limit, cores: given.cores, availableBytes: given.available, reserveBytes: given.reserve)
        #expect(admission.admits(given.need, beside: given.live) == given.fits)
    }

    @Test("as many tasks as slots, and a slot that is let go of is free at once")
    func counting() throws {
        let folder = try Folder()
        let slots = try folder.slots(.count(2))
        let need = SlotNeed(threads: 1, bytes: 1)
        var first = try slots.take(need)
        let second = try slots.take(need)
        #expect(first != nil && second != nil)
        #expect(try slots.take(need) == nil)
        // Another process sees the same: it has nothing but the folder.
        #expect(try folder.slots(.count(2)).take(need) == nil)
        #expect(try folder.slots(.count(3)).take(need) != nil)
        first = nil
        #expect(try folder.slots(.count(2)).take(need) != nil)
        withExtendedLifetime(second) {}
    }

    @Test("never more than the number at once, whoever asks")
    func contention() throws {
        let folder = try Folder()
        let running = Mutex(0)
        let most = Mutex(0)
        let tasks = 8
        DispatchQueue.concurrentPerform(iterations: tasks) { _ in
            guard let slots = try? folder.slots(.count(3)) else { return }
            let wait = SlotWait(slots, threads: 1, sleep: { _ in usleep(500) })
            guard let slot = try? wait.take(bytes: 1, while: { true }, waits: {}) else { return }
            let now = running.withLock {
                $0 += 1; return $0
            }
            most.withLock { $0 = max($0, now) }
            usleep(3_000)
            running.withLock { $0 -= 1 }
            withExtendedLifetime(slot) {}
        }
        #expect((1...3).contains(most.withLock { $0 }))
        #expect(running.withLock { $0 } == 0)
    }

    @Test("a wait tells once that it waits, and ends when the task is not wanted any more")
    func waiting() throws {
        let folder = try Folder()
        let held = try folder.slots(.count(1)).take(SlotNeed(threads: 1, bytes: 1))
        let pauses = Mutex(0)
        let told = Mutex(0)
        let wait = SlotWait(try folder.slots(.count(1)), threads: 1, sleep: { _ in pauses.withLock { $0 += 1 } })
        let slot = try wait.take(bytes: 1, while: { pauses.withLock { $0 < 7 } }, waits: { told.withLock { $0 += 1 } })
        #expect(slot == nil && held != nil)
        #expect(told.withLock { $0 } == 1 && pauses.withLock { $0 } == 7)
    }

    @Test("a machine as its files tell it")
    func host() throws {
        let folder = try Folder()
        try folder.write("MemTotal:       2000 kB\nMemFree:   10 kB\nMemAvailable:    1000 kB\n", "proc/meminfo")
        try folder.write("Name:\tx\nState:\tT (stopped)\nRssAnon:\t     7 kB\n", "proc/12/status")
        var host = SlotHost(cores: 3)
        host.root = folder.path
        #expect(host.state(of: 12) == (7 << 10, true))
        #expect(host.state(of: 13) == (0, false))
        #expect(host.admission(.automatic).availableBytes == 1000 << 10)
        #expect(host.admission(.automatic).reserveBytes == 100 << 10)
        // A control group and the one around it, which leaves less.
        try folder.write("0::/outer/inner\n", "proc/self/cgroup")
        try folder.write("max\n", "sys/fs/cgroup/outer/inner/memory.max")
        try folder.write("800000\n", "sys/fs/cgroup/outer/memory.max")
        try folder.write("anon 300000\nfile 9999999\n", "sys/fs/cgroup/outer/memory.stat")
        #expect(host.admission(.automatic).availableBytes == 500_000)
    }

    @Test("a folder in which strangers could lock others out is refused")
    func unsafeFolders() throws {
        let folder = try Folder()
        let open = folder.path + "/open"
        mkdir(open, 0o700)
        chmod(open, 0o777)
        #expect(throws: SlotFolderError.openToOthers(path: open)) { try SlotFolder(path: open) }
        let link = folder.path + "/link"
        symlink(folder.path, link)
        #expect(throws: SlotFolderError.noFolder(path: link)) { try SlotFolder(path: link) }
        let made = try SlotFolder(path: folder.path + "/made")
        var status = stat()
        #expect(stat(made.path, &status) == 0 && status.st_mode & 0o777 == 0o700)
        let chosen = try SlotFolder.shared(environment: ["SHOAL_SLOTS_FOLDER": folder.path + "/chosen"])
        #expect(chosen.path == folder.path + "/chosen")
    }

    /// A folder that goes with the test.
    private final class Folder: Sendable {
        let path: String

        init() throws {
            path = NSTemporaryDirectory() + "shoal-slots-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func slots(_ limit: SlotLimit) throws -> TrainingSlots {
            TrainingSlots(in: try SlotFolder(path: path + "/slots"), limit: limit, host: SlotHost(cores: 1))
        }

        func write(_ text: String, _ name: String) throws {
            let file = URL(fileURLWithPath: path + "/" + name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
    }
}
