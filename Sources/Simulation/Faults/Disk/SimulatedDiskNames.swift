package import Glibc
internal import ModelFiles

/// Calls on paths.
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
