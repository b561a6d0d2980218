internal import Glibc
internal import ModelFiles
internal import Randomness
internal import Synchronization

/// A machine's disk in memory that keeps what programs see and what would survive a power cut apart.
///
/// Stricter than most file systems: only a file's own fsync makes its bytes durable, only its folder's makes its name
/// durable, and of everything else a power cut leaves a seeded selection: bytes by sectors of 512, changes of names
/// one by one (a rename is one). While the machine is down and after it has come back, calls through old descriptors fail.
///
/// `@unchecked Sendable` is safe: all state is touched under ``guarded``.
package final class SimulatedDisk: Disk, @unchecked Sendable {
    static let sectorBytes = 512

    /// Names that changed together, in their folders.
    struct NameChange {
        var parts: [(folder: FileNode, name: String, node: FileNode?)]
    }

    struct OpenFile {
        let node: FileNode
        var position = 0
        let isAppending: Bool
    }

    private let guarded = Mutex<Void>(())
    var random: CounterRandom
    var root = FileNode(number: 1, isFolder: true, permissions: 0o755)
    var unsynchronizedNames: [NameChange] = []
    /// Files with ``FileNode/unsynchronized`` changes, in the order of their first.
    var dirty: [FileNode] = []
    var open: [Int32: OpenFile] = [:]
    var lastDescriptor: Int32 = 1 << 20
    private var lastNode: UInt64 = 1
    package let mount: String

    package var faults = DiskFaults()
    /// Whether the machine has gone down and was not started again.
    package internal(set) var isDown = false
    /// Counts starts: descriptors of an earlier one are dead.
    var boot = 0
    /// Calls so far that changed something, or would have.
    package private(set) var operations = 0
    /// Failures injected since the last start.
    package internal(set) var failures = 0

    /// - Parameters:
    ///   - mount: Its name in the ``DiskTable``; it is mounted by whoever uses it. SQLite finds it there too.
    ///   - name: Keys what goes wrong, together with the seed.
    package init(mount: String, name: String = "disk", seed: UInt64) {
        self.mount = mount
        DatabaseFiles.install()
        random = StreamKey(seed: seed, worker: name, purpose: .faults).generator()
    }

    /// Where the disk's root folder stands.
    package var path: String { DiskTable.root + mount }

    func locked<Result>(_ body: () -> Result) -> Result {
        guarded.withLock { _ in body() }
    }

    // MARK: - Faults

    /// What becomes of a call that changes something.
    enum Fate {
        case done
        /// A write takes this part of its bytes.
        case partial(Double)
        case failed(Int32)
    }

    /// Counts a call; `effect` carries it out, wholly or in part. Under the lock.
    func change(canBePartial: Bool = false, _ effect: (Fate) -> Int) -> Int {
        guard !isDown else { return fail(EIO) }
        operations += 1
        if let countdown = faults.crashCountdown {
            faults.crashCountdown = countdown - 1
            if countdown <= 1 {
                if random.uniformDouble() < 0.5 {
                    _ = effect(canBePartial ? .partial(random.uniformDouble()) : .done)
                }
                goDown(faults.crash)
                return fail(EIO)
            }
        }
        if faults.failure > 0, random.uniformDouble() < faults.failure {
            failures += 1
            return fail(random.uniformDouble() < 0.5 ? ENOSPC : EIO)
        }
        if canBePartial, faults.shortWrite > 0, random.uniformDouble() < faults.shortWrite {
            return effect(.partial(random.uniformDouble()))
        }
        return effect(.done)
    }

    func fail(_ code: Int32) -> Int {
        errno = code
        return -1
    }

    // MARK: - Paths

    /// The path's components below the mount; `nil` if it lies elsewhere.
    func components(_ path: String) -> [Substring]? {
        guard path.hasPrefix(self.path) else { return nil }
        return path.dropFirst(self.path.count).split(separator: "/").filter { $0 != "." }
    }

    func node(_ path: String) -> FileNode? {
        guard let components = components(path) else { return nil }
        var node = root
        for component in components {
            guard let next = node.entries[String(component)] else { return nil }
            node = next
        }
        return node
    }

    /// The folder that a path's last component stands in.
    func place(_ path: String) -> (folder: FileNode, name: String)? {
        guard let components = components(path), let name = components.last else { return nil }
        var node = root
        for component in components.dropLast() {
            guard let next = node.entries[String(component)], next.isFolder else { return nil }
            node = next
        }
        return (node, String(name))
    }

    func set(_ parts: [(folder: FileNode, name: String, node: FileNode?)]) {
        for part in parts { part.folder.entries[part.name] = part.node }
        unsynchronizedNames.append(NameChange(parts: parts))
    }

    func makeNode(isFolder: Bool, permissions: UInt32) -> FileNode {
        lastNode += 1
        return FileNode(number: lastNode, isFolder: isFolder, permissions: permissions)
    }

    func noteDirty(_ node: FileNode) {
        if node.unsynchronized.count == 1 { dirty.append(node) }
    }

    /// Makes a file's bytes or a folder's names durable.
    func makeDurable(_ node: FileNode) {
        if !node.isFolder {
            node.unsynchronized = []
            dirty.removeAll { $0 === node }
            return
        }
        // With them go the earlier changes that they build on.
        var folders: [ObjectIdentifier: Void] = [ObjectIdentifier(node): ()]
        var kept: [NameChange] = []
        var due: [NameChange] = []
        for change in unsynchronizedNames.reversed() {
            if change.parts.contains(where: { folders[ObjectIdentifier($0.folder)] != nil }) {
                for part in change.parts { folders[ObjectIdentifier(part.folder)] = () }
                due.append(change)
            } else {
                kept.append(change)
            }
        }
        for change in due.reversed() {
            for part in change.parts { part.folder.durableEntries[part.name] = part.node }
        }
        unsynchronizedNames = kept.reversed()
    }

    /// Everything that programs see becomes what the disk has.
    func settle() {
        for node in dirty { node.unsynchronized = [] }
        dirty = []
        for change in unsynchronizedNames {
            for part in change.parts { part.folder.durableEntries[part.name] = part.node }
        }
        unsynchronizedNames = []
    }

    func forgetDescriptors() { open = [:] }

    func describe(_ node: FileNode) -> stat {
        var status = stat()
        status.st_ino = ino_t(node.number)
        status.st_mode = (node.isFolder ? S_IFDIR : S_IFREG) | node.permissions
        status.st_size = off_t(node.bytes.count)
        return status
    }
}
