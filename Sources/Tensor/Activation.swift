internal import CKernels

/// A matrix `[rows, columns]` that a computation makes: whole, or some adjacent columns of another one.
package struct Activation {
    /// Values and gradient; the columns of a slice share their parent's.
    package let storage: Storage
    /// First column within the storage. Unit: values.
    package let offset: Int
    package let columns: Int

    package var rows: Int { storage.rows }
    package var type: ElementType { storage.type }
    /// Distance between rows. Unit: values.
    package var stride: Int { storage.columns }
    package var isWhole: Bool { columns == storage.columns }
    package var needsGradient: Bool { storage.needsGradient }

    init(_ storage: Storage) {
        self.init(storage, offset: 0, columns: storage.columns)
    }

    private init(_ storage: Storage, offset: Int, columns: Int) {
        self.storage = storage
        self.offset = offset
        self.columns = columns
    }

    /// `count` columns from `first`. Every column of a storage must get a gradient through exactly one slice, or all of
    /// them through the whole.
    package func slice(_ first: Int, _ count: Int) -> Activation {
        precondition(first >= 0 && count > 0 && first + count <= columns, "columns \(first) + \(count) of \(columns)")
        return Activation(storage, offset: offset + first, columns: count)
    }

    /// Address of the first value.
    package var values: UnsafeMutableRawPointer { storage.values.address + offset * type.size }

    /// The values of a float32 activation.
    package var floats: UnsafeMutablePointer<Float> {
        precondition(type == .float32, "a \(type) activation read as float32")
        return values.assumingMemoryBound(to: Float.self)
    }

    /// Address of the gradient, and whether something is there to be added to. Its memory is nobody else's.
    func gradientTarget(_ arena: Arena) -> (address: UnsafeMutableRawPointer, accumulates: Bool) {
        let accumulates = storage.prepareGradient(offset: offset, columns: columns, arena)
        return (storage.gradientBlock.address + offset * type.size, accumulates)
    }

    /// The gradient that has arrived; `nil` where nothing depends on this.
    var gradient: UnsafeMutableRawPointer? {
        storage.gradient.map { $0.address + offset * type.size }
    }
}

/// What an activation and its slices share.
package final class Storage {
    let rows: Int
    let columns: Int
    let type: ElementType
    let needsGradient: Bool
    private var block: Block?
    /// Makes the values again where they were given up between the forward and the backward pass.
    private let restore: ((UnsafeMutableRawPointer) -> Void)?
    /// Makes the values when they are first read, which may be never.
    private var production: ((UnsafeMutableRawPointer) -> Void)?
    private let arena: Arena
    fileprivate(set) var gradient: Block?
    /// Offsets of slices whose gradient has arrived.
    private var arrived: Set<Int> = []
    /// The float32 gradient in bfloat16 as well, where a kernel made it on its way.
    var narrowGradient: Block?

    init(
        rows: Int, columns: Int, type: ElementType, needsGradient: Bool, arena: Arena,
        restore: ((UnsafeMutableRawPointer) -> Void)? = nil
    ) {
        self.rows = rows
        self.columns = columns
        self.type = type
        self.needsGradient = needsGradient
        self.arena = arena
        self.restore = restore
        block = arena.take(rows * columns * type.size)
    }

    /// The same values with a gradient of its own.
    func recorded(needsGradient: Bool, _ arena: Arena) -> Storage {
        Storage(sharing: values, rows: rows, columns: columns, type: type, needsGradient: needsGradient, arena: arena)
    }

    private init(sharing block: Block, rows: Int, columns: Int, type: ElementType, needsGradient: Bool, arena: Arena) {
        self.rows = rows
        self.columns = columns
        self.type = type
        self.needsGradient = needsGradient
        self.arena = arena
        restore = nil
        self.block = block
    }

    var values: Block {
        if let block { return block }
        guard let make = production ?? restore else { preconditionFailure("values read after they were given up") }
        let made = arena.take(rows * columns * type.size)
        block = made
        production = nil
        make(made.address)
        return made
    }

    /// Leaves the values, which nobody has made yet, to whoever reads them first.
    func produceLater(_ make: @escaping (UnsafeMutableRawPointer) -> Void) {
        block = nil
        production = make
    }

    fileprivate func copyOfRow(_ row: Int) -> Activation {
        let copy = Storage(rows: 1, columns: columns, type: type, needsGradient: false, arena: arena)
        let size = columns * type.size
        copy.values.address.copyMemory(from: values.address + row * size, byteCount: size)
        return Activation(copy)
    }

    /// Frees the values: only the gradient is still to come.
    func discardValues() { block = nil }

    /// Frees the values where they can be made again.
    func giveUpValues() {
        if restore != nil { block = nil }
    }

    var gradientBlock: Block {
        guard let gradient else { preconditionFailure("a gradient read before it was made") }
        return gradient
    }

    fileprivate func prepareGradient(offset: Int, columns: Int, _ arena: Arena) -> Bool {
        let isWhole = columns == self.columns
        if gradient == nil {
            gradient = arena.take(rows * self.columns * type.size)
            if !isWhole { arrived.insert(offset) }
            return false
        }
        if !isWhole, arrived.insert(offset).inserted { return false }
        makeGradientUnique(arena)
        return true
    }

    /// Adds a gradient that may be shared with other activations; takes it over where there was none.
    func addGradient(_ block: Block, _ arena: Arena) {
        guard gradient != nil else {
            gradient = block
            return
        }
        makeGradientUnique(arena)
        shoal_add_values(
            type.kernelType, gradientBlock.address, type.kernelType, block.address, rows * columns)
    }

    /// The gradient, which the caller takes over.
    func takeGradient() -> Block? {
        defer { gradient = nil }
        return gradient
    }

    private func makeGradientUnique(_ arena: Arena) {
        narrowGradient = nil
        guard gradient != nil, !isKnownUniquelyReferenced(&gradient) else { return }
        let copy = arena.take(rows * columns * type.size)
        copy.address.copyMemory(from: gradientBlock.address, byteCount: rows * columns * type.size)
        gradient = copy
    }
}

extension Activation {
    /// The values, converted, `[rows, columns]`.
    package func float32Values() -> [Float] {
        [Float](unsafeUninitializedCapacity: rows * columns) { target, initialized in
            for row in 0..<rows {
                guard let base = target.baseAddress else { break }
                shoal_convert(
                    type.kernelType, values + row * stride * type.size, SHOAL_FLOAT32, base + row * columns, columns, 1)
            }
            initialized = rows * columns
        }
    }

    /// A copy of the last row, outside any recording.
    package var lastRow: Activation { storage.copyOfRow(rows - 1) }
}
