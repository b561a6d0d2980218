internal import CKernels

/// Matrix products, and sums of them in one pass.
///
/// The same inputs give the same bits at one ``KernelLevel``, whatever the thread count.
public enum MatMul {
    /// A matrix in memory, as it takes part in a product.
    public struct Operand {
        public let address: UnsafeRawPointer
        public let type: ElementType
        /// As the product sees it, that is after transposition.
        public let rows: Int
        public let columns: Int
        /// Distance between stored rows. Unit: values.
        public let stride: Int
        /// Stored as `[columns, rows]`.
        public let isTransposed: Bool
        /// A ``Weight``, which stays where it is.
        public let isWeight: Bool
        /// A weight's own layout for the right side of products: as the operand is, and transposed.
        fileprivate var panels: (plain: OpaquePointer?, transposed: OpaquePointer?) = (nil, nil)

        /// A stored `[rows, columns]` matrix.
        public init(
            _ address: UnsafeRawPointer, _ type: ElementType = .float32, rows: Int, columns: Int, stride: Int? = nil
        ) {
            self.init(
                address: address, type: type, rows: rows, columns: columns, stride: stride ?? columns,
                isTransposed: false, isWeight: false)
        }

        /// A frozen weight `[rows, columns]`.
        public init(_ weight: Weight) {
            self.init(
                address: weight.bytes, type: weight.type, rows: weight.rows, columns: weight.columns,
                stride: weight.isTransposed ? weight.rows : weight.columns, isTransposed: weight.isTransposed,
                isWeight: true)
            panels = (weight.panels?.plain, weight.panels?.transposed)
        }

        package init(_ activation: Activation) {
            self.init(
                activation.values, activation.type, rows: activation.rows, columns: activation.columns,
                stride: activation.stride)
        }

        private init(
            address: UnsafeRawPointer, type: ElementType, rows: Int, columns: Int, stride: Int, isTransposed: Bool,
            isWeight: Bool
        ) {
            self.address = address
            self.type = type
            self.rows = rows
            self.columns = columns
            self.stride = stride
            self.isTransposed = isTransposed
            self.isWeight = isWeight
        }

        /// The same memory read the other way round.
        public var transposed: Operand {
            var other = Operand(
                address: address, type: type, rows: columns, columns: rows, stride: stride, isTransposed: !isTransposed,
                isWeight: isWeight)
            other.panels = (panels.transposed, panels.plain)
            return other
        }

        /// The same matrix at another address.
        public func moved(to address: UnsafeRawPointer) -> Operand {
            Operand(
                address: address, type: type, rows: rows, columns: columns, stride: stride,
                isTransposed: isTransposed, isWeight: isWeight)
        }
    }

    /// Where a product goes, row-major.
    public struct Result {
        public let address: UnsafeMutableRawPointer
        public let type: ElementType
        public let stride: Int?

        /// - Parameter stride: Distance between rows; the product's width by default. Unit: values.
        public init(_ address: UnsafeMutableRawPointer, _ type: ElementType = .float32, stride: Int? = nil) {
            self.address = address
            self.type = type
            self.stride = stride
        }
    }

    /// Terms of one sum.
    public static let termsMax = Int(SHOAL_PRODUCT_TERMS_MAX)

    /// One product of a sum.
    public struct Term {
        public var left: Operand
        public var right: Operand

        public init(_ left: Operand, _ right: Operand) {
            precondition(
                left.columns == right.rows, "\(left.rows) × \(left.columns) times \(right.rows) rows")
            self.left = left
            self.right = right
        }
    }

    /// `result = left · right + bias`, or `result += left · right`.
    ///
    /// Both factors have one type; the sum is float32 and is rounded once to the result's type.
    ///
    /// - Parameters:
    ///   - result: `[left.rows, right.columns]`; overlaps neither factor.
    ///   - bias: `[right.columns]`, added to every row; not together with `accumulate`.
    public static func multiply(
        _ left: Operand, _ right: Operand, into result: Result, accumulate: Bool = false, bias: Vector? = nil
    ) {
        add([Term(left, right)], into: result, accumulate: accumulate, bias: bias)
    }

    /// `result = Σ left · right + bias`, or `result += Σ left · right`: all terms pass by before the result is rounded.
    ///
    /// - Parameter terms: One to ``termsMax``; all of one type and one result shape.
    public static func add(_ terms: [Term], into result: Result, accumulate: Bool = false, bias: Vector? = nil) {
        guard let first = terms.first else { return }
        let (rows, columns, type) = (first.left.rows, first.right.columns, first.left.type)
        precondition(terms.count <= termsMax, "\(terms.count) terms")
        precondition(bias.map { $0.count == columns && !accumulate } ?? true, "a bias of another width, or added twice")
        ProductRecorder.current?.note(
            Product(terms: terms, result: result, accumulates: accumulate, bias: bias))
        withUnsafeTemporaryAllocation(of: shoal_product_term.self, capacity: terms.count) { raw in
            for (place, term) in zip(raw.indices, terms) {
                precondition(
                    term.left.rows == rows && term.right.columns == columns && term.left.type == type
                        && term.right.type == type, "terms of several shapes or types")
                raw[place] = term.kernelTerm
            }
            var product = shoal_product(
                type: type.kernelType, terms: raw.baseAddress, count: terms.count, rows: rows, columns: columns,
                result_type: result.type.kernelType, result: result.address, result_stride: result.stride ?? columns,
                accumulate: accumulate, bias: bias.map { UnsafePointer($0.values) })
            shoal_multiply(&product)
        }
    }
}

extension MatMul.Term {
    fileprivate var kernelTerm: shoal_product_term {
        shoal_product_term(
            a: left.address, a_stride: left.stride, a_transposed: left.isTransposed, b: right.address,
            b_stride: right.stride, b_transposed: right.isTransposed, inner: left.columns, b_panels: right.panels.plain)
    }
}
