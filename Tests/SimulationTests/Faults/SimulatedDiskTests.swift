import Foundation
import Glibc
import ModelFiles
import Randomness
import Simulation
import Testing

@Suite("A disk in memory")
struct SimulatedDiskTests {
    private static func mounted<Result>(_ seed: UInt64 = 0, _ body: (SimulatedDisk) throws -> Result) rethrows -> Result
    {
        let disk = SimulatedDisk(mount: "disk-\(UUID().uuidString)", seed: seed)
        DiskTable.mount(disk, as: disk.mount)
        defer { DiskTable.unmount(disk.mount) }
        return try body(disk)
    }

    private static func make(_ disk: SimulatedDisk, _ path: String, _ bytes: [UInt8], isSynchronized: Bool) {
        let descriptor = disk.open(path, O_WRONLY | O_CREAT, 0o600)
        #expect(descriptor >= 0)
        #expect(bytes.withUnsafeBytes { disk.write(descriptor, $0, at: 0) } == bytes.count)
        if isSynchronized { #expect(disk.synchronize(descriptor) == 0) }
        #expect(disk.close(descriptor) == 0)
    }

    private static func synchronizeFolder(_ disk: SimulatedDisk, _ path: String) {
        let descriptor = disk.open(path, O_RDONLY | O_DIRECTORY, 0)
        #expect(disk.synchronize(descriptor) == 0)
        _ = disk.close(descriptor)
    }

    private static func bytes(_ path: String) -> [UInt8]? { try? MappedFile(path: path).copy() }

    // MARK: - As programs see it

    /// The same random calls on a real folder and on a simulated disk have the same results.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func behavesAsTheSystemsFilesDo(seed: UInt64) throws {
        let folder = NSTemporaryDirectory() + "shoal-disk-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        Self.mounted { simulated in
            let disks: [(disk: any Disk, root: String)] = [(SystemDisk.shared, folder), (simulated, simulated.path)]
            var random = StreamKey(seed: seed, purpose: .faults).generator()
            for step in 0..<300 {
                let call = random.index(below: 9)
                let files = ["a", "b", "d/a", "d/b", "e/a"]
                let (one, other) = (files[random.index(below: 5)], files[random.index(below: 5)])
                let folderName = ["d", "e", "f"][random.index(below: 3)]
                let (offset, size, flag) = (
                    random.index(below: 2_000), random.index(below: 1_500), random.index(below: 4)
                )
                let outcomes = disks.map { disk, root in
                    Self.outcome(
                        of: call, on: disk, "\(root)/\(one)", "\(root)/\(other)", "\(root)/\(folderName)", offset, size,
                        flag)
                }
                #expect(outcomes[0] == outcomes[1], "step \(step), call \(call), \(one), \(other), \(folderName)")
                let trees = disks.map { Self.tree($0.disk, $0.root) }
                #expect(trees[0] == trees[1], "after step \(step), call \(call), \(one), \(other), \(folderName)")
            }
        }
    }

    private static func outcome(
        of call: Int, on disk: any Disk, _ one: String, _ other: String, _ folder: String, _ offset: Int, _ size: Int,
        _ flag: Int
    ) -> [Int] {
        errno = 0
        let result: Int
        switch call {
        case 0, 1:
            let flags = [O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_APPEND, O_CREAT | O_TRUNC][flag]
            let descriptor = disk.open(one, O_WRONLY | flags, 0o600)
            guard descriptor >= 0 else { return [-1, Int(errno)] }
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 ^ offset) }
            let written = bytes.withUnsafeBytes { bytes in
                flags & O_APPEND != 0 || call == 0
                    ? disk.write(descriptor, bytes) : disk.write(descriptor, bytes, at: offset)
            }
            return [written, Int(disk.close(descriptor))]
        case 2:
            let descriptor = disk.open(one, O_RDWR, 0)
            guard descriptor >= 0 else { return [-1, Int(errno)] }
            return [Int(disk.truncate(descriptor, to: offset)), Int(disk.close(descriptor))]
        case 3: result = Int(disk.rename(one, to: other))
        case 4: result = Int(disk.link(one, as: other))
        case 5: result = Int(disk.unlink(flag == 0 ? folder : one))
        case 6: result = Int(disk.makeFolder(folder, 0o755))
        case 7: result = Int(disk.removeFolder(flag == 0 ? one : folder))
        default: result = Int(disk.exchange(one, other))
        }
        return [result, result < 0 ? Int(errno) : 0]
    }

    /// Every name with its kind and content.
    private static func tree(_ disk: any Disk, _ folder: String) -> [String: [UInt8]] {
        var tree: [String: [UInt8]] = [:]
        for name in disk.names(in: folder) ?? [] {
            let path = "\(folder)/\(name)"
            guard let status = disk.status(path, followsLinks: false) else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                tree[name + "/"] = []
                for (inner, bytes) in Self.tree(disk, path) { tree["\(name)/\(inner)"] = bytes }
            } else {
                tree[name] = bytes(path)
            }
        }
        return tree
    }

    @Test func aLockBelongsToOneDescriptorUntilItsProcessEnds() {
        Self.mounted { disk in
            let path = disk.path + "/lock"
            let first = disk.open(path, O_RDWR | O_CREAT, 0o600)
            let second = disk.open(path, O_RDWR, 0)
            #expect(disk.lock(first, LOCK_EX | LOCK_NB) == 0)
            #expect(disk.lock(second, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK)
            disk.crash(.kill)
            #expect(disk.lock(first, LOCK_EX | LOCK_NB) == -1)
            disk.restart()
            let third = disk.open(path, O_RDWR | O_CREAT, 0o600)
            #expect(disk.lock(third, LOCK_EX | LOCK_NB) == 0)
        }
    }

    // MARK: - What a power cut leaves

    @Test func whatWasSynchronisedSurvivesEveryPowerCutAndEverythingSurvivesAKill() {
        for seed in 0..<100 as Range<UInt64> {
            Self.mounted(seed) { disk in
                #expect(disk.makeFolder(disk.path + "/d", 0o755) == 0)
                Self.synchronizeFolder(disk, disk.path)
                Self.make(disk, disk.path + "/d/kept", [1, 2, 3], isSynchronized: true)
                Self.synchronizeFolder(disk, disk.path + "/d")
                Self.make(disk, disk.path + "/d/young", [4], isSynchronized: false)
                if seed.isMultiple(of: 2) {
                    disk.crash(.powerCut)
                } else {
                    disk.crash(.kill)
                }
                #expect(disk.open(disk.path + "/d/kept", O_RDONLY, 0) == -1 && errno == EIO)
                disk.restart()
                #expect(Self.bytes(disk.path + "/d/kept") == [1, 2, 3])
                if !seed.isMultiple(of: 2) { #expect(Self.bytes(disk.path + "/d/young") == [4]) }
            }
        }
    }

    @Test func aPowerCutLeavesAnySectorsOfALateWriteAndNothingElse() {
        let old = [UInt8](repeating: 1, count: 2_000)
        let new = [UInt8](repeating: 2, count: 3_000)
        var seen: Set<[UInt8]> = []
        for seed in 0..<200 as Range<UInt64> {
            Self.mounted(seed) { disk in
                let path = disk.path + "/f"
                Self.make(disk, path, old, isSynchronized: true)
                Self.synchronizeFolder(disk, disk.path)
                Self.make(disk, path, new, isSynchronized: false)
                disk.crash(.powerCut)
                disk.restart()
                let bytes = Self.bytes(path) ?? []
                #expect(bytes.count >= old.count && bytes.count <= new.count)
                for start in stride(from: 0, to: bytes.count, by: 512) {
                    let sector = bytes[start..<min(bytes.count, start + 512)]
                    let isNew = sector.allSatisfy { $0 == 2 }
                    let isOld = zip(sector.indices, sector).allSatisfy { index, byte in
                        byte == (index < old.count ? 1 : 0)
                    }
                    #expect(isNew || isOld)
                }
                seen.insert(bytes)
            }
        }
        #expect(seen.contains(old) && seen.contains(new) && seen.count > 10)
    }

    @Test func aRenameThatWasNotSynchronisedHappenedOrDidNot() {
        var outcomes: Set<[String]> = []
        for seed in 0..<100 as Range<UInt64> {
            Self.mounted(seed) { disk in
                for folder in ["d", "e"] { #expect(disk.makeFolder("\(disk.path)/\(folder)", 0o755) == 0) }
                Self.make(disk, disk.path + "/d/f", [7], isSynchronized: true)
                for folder in ["", "/d", "/e"] { Self.synchronizeFolder(disk, disk.path + folder) }
                #expect(disk.rename(disk.path + "/d/f", to: disk.path + "/e/g") == 0)
                disk.crash(.powerCut)
                disk.restart()
                let names = ["/d/f", "/e/g"].filter { disk.exists(disk.path + $0) }
                #expect(names.count == 1 && Self.bytes(disk.path + names[0]) == [7])
                outcomes.insert(names)
            }
        }
        #expect(outcomes.count == 2)
    }

    @Test func aFolderThatWasNotSynchronisedMayTakeWhatLiesInIt() {
        let survived = (0..<50 as Range<UInt64>).map { seed in
            Self.mounted(seed) { disk in
                #expect(disk.makeFolder(disk.path + "/d", 0o755) == 0)
                Self.make(disk, disk.path + "/d/f", [7], isSynchronized: true)
                Self.synchronizeFolder(disk, disk.path + "/d")
                disk.crash(.powerCut)
                disk.restart()
                return Self.bytes(disk.path + "/d/f") == [7]
            }
        }
        #expect(survived.contains(true) && survived.contains(false))
    }
}
