package import Glibc
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

    private struct OpenFile {
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
    private var open: [Int32: OpenFile] = [:]
    private var lastDescriptor: Int32 = 1 << 20
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
    private func components(_ path: String) -> [Substring]? {
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

    private func describe(_ node: FileNode) -> stat {
        var status = stat()
        status.st_ino = ino_t(node.number)
        status.st_mode = (node.isFolder ? S_IFDIR : S_IFREG) | node.permissions
        status.st_size = off_t(node.bytes.count)
        return status
    }
}

// MARK: - Descriptors
extension SimulatedDisk {
    package func open(_ path: String, _ flags: Int32, _ permissions: UInt32) -> Int32 {
        Int32(
            locked {
                guard !isDown else { return fail(EIO) }
                var node = node(path)
                if node == nil {
                    guard flags & O_CREAT != 0, let place = place(path) else { return fail(ENOENT) }
                    guard
                        change({ _ in
                            node = makeNode(isFolder: false, permissions: permissions)
                            set([(place.folder, place.name, node)])
                            return 0
                        }) == 0
                    else { return -1 }
                } else if flags & O_CREAT != 0, flags & O_EXCL != 0 {
                    return fail(EEXIST)
                }
                guard let node else { return fail(ENOENT) }
                if node.isFolder, flags & (O_WRONLY | O_RDWR) != 0 { return fail(EISDIR) }
                if !node.isFolder, flags & O_DIRECTORY != 0 { return fail(ENOTDIR) }
                if flags & O_TRUNC != 0, !node.bytes.isEmpty {
                    guard
                        change({ _ in
                            node.truncate(to: 0)
                            noteDirty(node)
                            return 0
                        }) == 0
                    else { return -1 }
                }
                lastDescriptor += 1
                open[lastDescriptor] = OpenFile(node: node, isAppending: flags & O_APPEND != 0)
                return Int(lastDescriptor)
            })
    }

    package func close(_ descriptor: Int32) -> Int32 {
        Int32(
            locked {
                guard let file = open.removeValue(forKey: descriptor) else { return fail(EBADF) }
                file.node.lock.release(descriptor)
                return 0
            })
    }

    package func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        locked {
            guard let file = open[descriptor] else { return fail(EBADF) }
            let offset = file.isAppending ? file.node.bytes.count : file.position
            let written = write(file.node, bytes, at: offset)
            if written > 0 { open[descriptor]?.position = offset + written }
            return written
        }
    }

    package func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
        locked {
            guard let file = open[descriptor] else { return fail(EBADF) }
            return write(file.node, bytes, at: offset)
        }
    }

    /// Under the lock.
    func write(_ node: FileNode, _ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
        guard !bytes.isEmpty else { return 0 }
        return change(canBePartial: bytes.count > 1) { fate in
            var count = bytes.count
            if case .partial(let part) = fate { count = max(1, Int(Double(count) * part)) }
            node.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), at: offset)
            noteDirty(node)
            return count
        }
    }

    package func truncate(_ descriptor: Int32, to size: Int) -> Int32 {
        Int32(
            locked {
                guard let file = open[descriptor] else { return fail(EBADF) }
                return truncate(file.node, to: size)
            })
    }

    func truncate(_ node: FileNode, to size: Int) -> Int {
        change { _ in
            node.truncate(to: size)
            noteDirty(node)
            return 0
        }
    }

    package func synchronize(_ descriptor: Int32) -> Int32 {
        Int32(
            locked {
                guard let file = open[descriptor] else { return fail(EBADF) }
                return synchronize(file.node, lie: file.node.isFolder ? .noFolderSync : .noFileSync)
            })
    }

    func synchronize(_ node: FileNode, lie: PlantedBug) -> Int {
        change { _ in
            if !faults.plantedBugs.contains(lie) { makeDurable(node) }
            return 0
        }
    }

    package func lock(_ descriptor: Int32, _ operation: Int32) -> Int32 {
        Int32(
            locked {
                guard let file = open[descriptor] else { return fail(EBADF) }
                if operation & LOCK_UN != 0 {
                    file.node.lock.release(descriptor)
                    return 0
                }
                guard file.node.lock.take(descriptor, isExclusive: operation & LOCK_EX != 0) else {
                    return fail(EWOULDBLOCK)
                }
                return 0
            })
    }

    package func status(of descriptor: Int32) -> stat? {
        locked {
            guard let file = open[descriptor] else {
                errno = EBADF
                return nil
            }
            return describe(file.node)
        }
    }

    package func map(_ descriptor: Int32, _ count: Int) -> UnsafeRawPointer? {
        locked {
            guard let file = open[descriptor], count <= file.node.bytes.count else {
                errno = EBADF
                return nil
            }
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
            file.node.bytes.withUnsafeBytes { copy.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            return UnsafeRawPointer(copy.baseAddress)
        }
    }

    package func unmap(_ start: UnsafeRawPointer, _ count: Int) { start.deallocate() }
}

// MARK: - Names
extension SimulatedDisk {
    package func status(_ path: String, followsLinks: Bool) -> stat? {
        locked {
            guard !isDown else {
                errno = EIO
                return nil
            }
            guard let node = node(path) else {
                errno = ENOENT
                return nil
            }
            return describe(node)
        }
    }

    package func rename(_ old: String, to new: String) -> Int32 {
        Int32(
            locked {
                guard !isDown else { return fail(EIO) }
                guard let from = place(old), let to = place(new), let node = from.folder.entries[from.name] else {
                    return fail(ENOENT)
                }
                if let target = to.folder.entries[to.name] {
                    if target === node { return 0 }
                    guard target.isFolder == node.isFolder else { return fail(target.isFolder ? EISDIR : ENOTDIR) }
                    guard !target.isFolder || target.entries.isEmpty else { return fail(ENOTEMPTY) }
                }
                if faults.plantedBugs.contains(.forgottenResidual), to.name == "residual.json" {
                    set([(from.folder, from.name, nil)])
                    return 0
                }
                return change { _ in
                    set([(from.folder, from.name, nil), (to.folder, to.name, node)])
                    return 0
                }
            })
    }

    package func exchange(_ first: String, _ second: String) -> Int32 {
        Int32(
            locked {
                guard !isDown else { return fail(EIO) }
                guard let one = place(first), let other = place(second), let node = one.folder.entries[one.name],
                    let otherNode = other.folder.entries[other.name]
                else { return fail(ENOENT) }
                return change { _ in
                    set([(one.folder, one.name, otherNode), (other.folder, other.name, node)])
                    return 0
                }
            })
    }

    package func link(_ old: String, as new: String) -> Int32 {
        Int32(
            locked {
                guard !isDown else { return fail(EIO) }
                guard let node = node(old), let to = place(new) else { return fail(ENOENT) }
                guard to.folder.entries[to.name] == nil else { return fail(EEXIST) }
                guard !node.isFolder else { return fail(EPERM) }
                return change { _ in
                    set([(to.folder, to.name, node)])
                    return 0
                }
            })
    }

    package func unlink(_ path: String) -> Int32 { remove(path, isFolder: false) }
    package func removeFolder(_ path: String) -> Int32 { remove(path, isFolder: true) }

    private func remove(_ path: String, isFolder: Bool) -> Int32 {
        Int32(
            locked {
                guard !isDown else { return fail(EIO) }
                guard let place = place(path), let node = place.folder.entries[place.name] else { return fail(ENOENT) }
                guard node.isFolder == isFolder else { return fail(isFolder ? ENOTDIR : EISDIR) }
                guard node.entries.isEmpty else { return fail(ENOTEMPTY) }
                return change { _ in
                    set([(place.folder, place.name, nil)])
                    return 0
                }
            })
    }

    package func makeFolder(_ path: String, _ permissions: UInt32) -> Int32 {
        Int32(
            locked {
                guard !isDown else { return fail(EIO) }
                guard let place = place(path) else { return fail(path == self.path ? EEXIST : ENOENT) }
                guard place.folder.entries[place.name] == nil else { return fail(EEXIST) }
                return change { _ in
                    set([(place.folder, place.name, makeNode(isFolder: true, permissions: permissions))])
                    return 0
                }
            })
    }

    package func changePermissions(_ path: String, _ permissions: UInt32) -> Int32 {
        Int32(
            locked {
                guard !isDown else { return fail(EIO) }
                guard let node = node(path) else { return fail(ENOENT) }
                return change { _ in
                    node.permissions = permissions
                    return 0
                }
            })
    }

    package func names(in folder: String) -> [String]? {
        locked {
            guard !isDown else {
                errno = EIO
                return nil
            }
            guard let node = node(folder) else {
                errno = ENOENT
                return nil
            }
            return node.entries.keys.sorted()
        }
    }

    package func realPath(_ path: String) -> String? {
        locked {
            guard let components = components(path), node(path) != nil else { return nil }
            return components.isEmpty ? self.path : self.path + "/" + components.joined(separator: "/")
        }
    }
}
