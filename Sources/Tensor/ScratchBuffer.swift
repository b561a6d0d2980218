/// Float32 memory that grows to the largest request and is then reused: no allocation in a steady state.
///
/// Its contents survive only until the next larger request.
package final class ScratchBuffer {
    private var memory: UnsafeMutableBufferPointer<Float>

    package init() {
        memory = UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    deinit {
        memory.baseAddress.map { UnsafeMutableRawPointer($0).deallocate() }
    }

    /// Room for `count` values, uninitialised after growth, aligned to a cache line; valid until a larger request.
    package func reserve(_ count: Int) -> UnsafeMutablePointer<Float> {
        if let base = memory.baseAddress, memory.count >= count { return base }
        memory.baseAddress.map { UnsafeMutableRawPointer($0).deallocate() }
        let capacity = max(count, 16)
        let raw = UnsafeMutableRawPointer.allocate(byteCount: capacity * 4, alignment: 64)
        let base = raw.bindMemory(to: Float.self, capacity: capacity)
        base.initialize(repeating: 0, count: capacity)
        memory = UnsafeMutableBufferPointer(start: base, count: capacity)
        return base
    }

    /// What the last request returned, for readers further down the computation.
    package var values: UnsafeMutablePointer<Float> {
        guard let base = memory.baseAddress else { preconditionFailure("scratch read before it was reserved") }
        return base
    }
}
