package import Glibc
internal import ModelFiles

/// Calls on open files and folders.
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
