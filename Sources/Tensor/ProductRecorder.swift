/// Notes which matrix products a computation makes, so that a benchmark can replay them alone.
///
/// Install it with ``recording(_:)``; products that other threads start meanwhile are not noted.
public final class ProductRecorder: @unchecked Sendable {
    // Sendable only so that it can be a task-local value: the thread inside `recording` alone touches the state.

    /// Whether products are noted; a benchmark turns it on for one step.
    public var isOn = false
    public private(set) var products: [MatMul.Product] = []

    @TaskLocal static var current: ProductRecorder?

    public init() {}

    /// Runs `body`, and notes its products while ``isOn``.
    public func recording<Result>(_ body: () throws -> Result) rethrows -> Result {
        try Self.$current.withValue(self, operation: body)
    }

    func note(_ product: MatMul.Product) {
        if isOn { products.append(product) }
    }
}

extension MatMul {
    /// One call of ``MatMul/add(_:into:accumulate:bias:)``.
    public struct Product {
        public var terms: [Term]
        public var result: Result
        public let accumulates: Bool
        public let bias: Vector?

        /// How far the result reaches. Unit: bytes.
        public var resultByteCount: Int {
            guard let term = terms.first else { return 0 }
            let columns = term.right.columns
            return ((term.left.rows - 1) * (result.stride ?? columns) + columns) * result.type.size
        }
    }

    /// Makes a noted product again.
    public static func multiply(_ product: Product) {
        add(product.terms, into: product.result, accumulate: product.accumulates, bias: product.bias)
    }
}

extension MatMul.Result {
    /// The same shape at another address.
    public func moved(to address: UnsafeMutableRawPointer) -> MatMul.Result {
        MatMul.Result(address, type, stride: stride)
    }
}

extension MatMul.Operand {
    /// How far the stored matrix reaches. Unit: bytes.
    public var byteCount: Int {
        let (storedRows, storedColumns) = isTransposed ? (columns, rows) : (rows, columns)
        return ((storedRows - 1) * stride + storedColumns) * type.size
    }
}
