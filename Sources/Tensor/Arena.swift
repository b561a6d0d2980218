/// Memory of activations, kept for the next step instead of going back to the system: fresh pages cost more than the
/// arithmetic that fills them.
///
/// Belongs to one thread at a time.
package final class Arena {
    private var free: [Int: [UnsafeMutableRawPointer]] = [:]
    private var freeBytes = 0
    /// Taken and not yet given back. Unit: bytes.
    package private(set) var bytesInUse = 0
    private var bytesInUseMax = 0
    private static let alignment = 64

    /// All memory taken from the system, in use or waiting. Unit: bytes.
    package var bytesHeld: Int { bytesInUse + freeBytes }

    package init() {}

    deinit { drain() }

    /// Uninitialised memory that comes back here when the block's last reference goes.
    package func take(_ byteCount: Int) -> Block {
        let size = (max(byteCount, 1) + Self.alignment - 1) / Self.alignment * Self.alignment
        bytesInUse += size
        bytesInUseMax = max(bytesInUseMax, bytesInUse)
        if let address = free[size]?.popLast() {
            freeBytes -= size
            return Block(address: address, size: size, arena: self)
        }
        // Memory of other sizes piles up when batches change their shape; then start anew.
        if freeBytes > 2 * bytesInUseMax { drain() }
        let address = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: Self.alignment)
        return Block(address: address, size: size, arena: self)
    }

    fileprivate func giveBack(_ address: UnsafeMutableRawPointer, size: Int) {
        bytesInUse -= size
        freeBytes += size
        free[size, default: []].append(address)
    }

    private func drain() {
        for addresses in free.values { addresses.forEach { $0.deallocate() } }
        free = [:]
        freeBytes = 0
    }
}

/// A piece of an arena's memory.
package final class Block {
    package let address: UnsafeMutableRawPointer
    private let size: Int
    private let arena: Arena

    fileprivate init(address: UnsafeMutableRawPointer, size: Int, arena: Arena) {
        self.address = address
        self.size = size
        self.arena = arena
    }

    deinit { arena.giveBack(address, size: size) }

    package var floats: UnsafeMutablePointer<Float> { address.assumingMemoryBound(to: Float.self) }
}
