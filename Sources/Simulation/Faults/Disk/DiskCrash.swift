internal import Randomness

// MARK: - Going down and coming back
extension SimulatedDisk {
    /// The machine goes down now.
    package func crash(_ kind: DiskFaults.Crash) {
        locked { goDown(kind) }
    }

    /// The machine, or just its process, is there again.
    package func restart() {
        locked {
            isDown = false
            boot += 1
            failures = 0
            forgetDescriptors()
            releaseLocks(root)
        }
    }

    /// Under the lock.
    func goDown(_ kind: DiskFaults.Crash) {
        guard !isDown else { return }
        isDown = true
        boot += 1
        faults.crashCountdown = nil
        forgetDescriptors()
        if kind == .powerCut { losePower() }
        releaseLocks(root)
    }

    private func losePower() {
        // Nothing, a beginning, anything or everything of the late changes survives.
        let nameStyle = random.uniformDouble()
        let changes = unsynchronizedNames
        let beginning = Int(random.uniformDouble() * Double(changes.count + 1))
        for (index, change) in changes.enumerated() {
            let survives =
                switch nameStyle {
                case ..<0.25: false
                case ..<0.5: index < beginning
                case ..<0.75: random.uniformDouble() < 0.5
                default: true
                }
            guard survives else { continue }
            for part in change.parts { part.folder.durableEntries[part.name] = part.node }
        }
        unsynchronizedNames = []
        let share = [0, 0.5, 0.9, 1][min(3, Int(random.uniformDouble() * 4))]
        for node in dirty {
            node.losePower(sectorBytes: Self.sectorBytes) { random.uniformDouble() < share }
        }
        dirty = []
        restoreNames(root)
    }

    private func restoreNames(_ folder: FileNode) {
        folder.entries = folder.durableEntries
        for node in folder.entries.values where node.isFolder { restoreNames(node) }
    }

    private func releaseLocks(_ node: FileNode) {
        node.lock = FileLock()
        node.database = nil
        for entry in node.entries.values { releaseLocks(entry) }
    }
}

// MARK: - Copies
extension SimulatedDisk {
    /// Takes over what programs see on another disk, all of it durable.
    package func copy(_ other: SimulatedDisk) {
        let copied = other.locked { copy(other.root) }
        locked {
            root = copied
            unsynchronizedNames = []
            dirty = []
        }
    }

    private func copy(_ node: FileNode) -> FileNode {
        let copy = makeNode(isFolder: node.isFolder, permissions: node.permissions)
        copy.bytes = node.bytes
        copy.entries = node.entries.mapValues(self.copy)
        copy.durableEntries = copy.entries
        return copy
    }
}
