internal import CKernels
internal import COneDNN

/// Matrix products through oneDNN's C API; nothing else in the package knows oneDNN.
///
/// A primitive is made once for each shape and layout and then only gets new addresses. An instance belongs to one
/// thread at a time. The same inputs and thread count give the same bits.
public final class MatMul {
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
            Operand(
                address: address, type: type, rows: columns, columns: rows, stride: stride, isTransposed: !isTransposed,
                isWeight: isWeight)
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
        let address: UnsafeMutableRawPointer
        let type: ElementType
        let stride: Int?

        /// - Parameter stride: Distance between rows; the product's width by default. Unit: values.
        public init(_ address: UnsafeMutableRawPointer, _ type: ElementType = .float32, stride: Int? = nil) {
            self.address = address
            self.type = type
            self.stride = stride
        }
    }

    private struct Key: Hashable {
        let rows: Int
        let columns: Int
        let inner: Int
        let leftStride: Int
        let rightStride: Int
        let resultStride: Int
        let isLeftTransposed: Bool
        let isRightTransposed: Bool
        let accumulates: Bool
        let hasBias: Bool
        let leftType: ElementType
        let rightType: ElementType
        let resultType: ElementType
    }

    /// oneDNN's pointers, freed with it.
    private final class Primitive {
        let primitive: dnnl_primitive_t
        let memories: [dnnl_memory_t]

        init(primitive: dnnl_primitive_t, memories: [dnnl_memory_t]) {
            self.primitive = primitive
            self.memories = memories
        }

        deinit {
            memories.forEach { dnnl_memory_destroy($0) }
            dnnl_primitive_destroy(primitive)
        }
    }

    private let engine: dnnl_engine_t
    private let stream: dnnl_stream_t
    private var primitives: [Key: Primitive] = [:]
    /// Shapes kept; prompts of ever new lengths must not grow the table for ever.
    private static let primitivesMax = 1024

    public init() {
        engine = Self.make("engine") { dnnl_engine_create(&$0, dnnl_cpu, 0) }
        let engine = engine
        stream = Self.make("stream") { dnnl_stream_create(&$0, engine, UInt32(dnnl_stream_default_flags.rawValue)) }
    }

    deinit {
        primitives.removeAll()
        dnnl_stream_destroy(stream)
        dnnl_engine_destroy(engine)
    }

    /// `result = left · right + bias`, or `result += left · right`.
    ///
    /// Both factors have one type; the sum is float32 and is rounded once to the result's type.
    ///
    /// - Parameters:
    ///   - result: `[left.rows, right.columns]`; overlaps neither factor.
    ///   - bias: `[right.columns]`, added to every row.
    public func multiply(
        _ left: Operand, _ right: Operand, into result: Result, accumulate: Bool = false, bias: Vector? = nil
    ) {
        precondition(left.columns == right.rows, "\(left.rows) × \(left.columns) times \(right.rows) rows")
        precondition(bias.map { $0.count == right.columns } ?? true, "a bias of another width")
        guard left.rows > 0, right.columns > 0 else { return }
        ProductRecorder.current?.note(
            Product(
                left: left, right: right, result: result.address, resultStride: result.stride ?? right.columns,
                resultType: result.type, accumulates: accumulate, bias: bias))
        shoal_threads_apply()
        let key = Key(
            rows: left.rows, columns: right.columns, inner: left.columns, leftStride: left.stride,
            rightStride: right.stride, resultStride: result.stride ?? right.columns,
            isLeftTransposed: left.isTransposed, isRightTransposed: right.isTransposed, accumulates: accumulate,
            hasBias: bias != nil, leftType: left.type, rightType: right.type, resultType: result.type)
        let primitive = primitives[key] ?? makePrimitive(key)
        let memories = primitive.memories
        Self.setAddress(memories[0], UnsafeMutableRawPointer(mutating: left.address))
        Self.setAddress(memories[1], UnsafeMutableRawPointer(mutating: right.address))
        Self.setAddress(memories[2], result.address)
        if let bias { Self.setAddress(memories[3], UnsafeMutableRawPointer(bias.values)) }
        withUnsafeTemporaryAllocation(of: dnnl_exec_arg_t.self, capacity: 4) { arguments in
            arguments[0] = dnnl_exec_arg_t(arg: DNNL_ARG_SRC_0, memory: memories[0])
            arguments[1] = dnnl_exec_arg_t(arg: DNNL_ARG_WEIGHTS_0, memory: memories[1])
            arguments[2] = dnnl_exec_arg_t(arg: DNNL_ARG_DST_0, memory: memories[2])
            if bias != nil { arguments[3] = dnnl_exec_arg_t(arg: DNNL_ARG_BIAS, memory: memories[3]) }
            Self.check(
                "matmul",
                dnnl_primitive_execute(primitive.primitive, stream, bias == nil ? 3 : 4, arguments.baseAddress))
        }
        Self.check("matmul", dnnl_stream_wait(stream))
    }

    private func makePrimitive(_ key: Key) -> Primitive {
        if primitives.count >= Self.primitivesMax { primitives.removeAll() }
        var descriptors = [
            Self.descriptor(
                key.rows, key.inner, key.leftType, stride: key.leftStride, isTransposed: key.isLeftTransposed),
            Self.descriptor(
                key.inner, key.columns, key.rightType, stride: key.rightStride, isTransposed: key.isRightTransposed),
            Self.descriptor(key.rows, key.columns, key.resultType, stride: key.resultStride, isTransposed: false),
        ]
        if key.hasBias {
            descriptors.append(Self.descriptor(1, key.columns, .float32, stride: key.columns, isTransposed: false))
        }
        var operation = dnnl_matmul_desc_t()
        let status = descriptors.withUnsafeMutableBufferPointer { all in
            guard let first = all.baseAddress else { preconditionFailure("no descriptors") }
            return dnnl_matmul_desc_init(&operation, first, first + 1, key.hasBias ? first + 3 : nil, first + 2)
        }
        Self.check("matmul", status)
        let attributes: dnnl_primitive_attr_t = Self.make("attributes") { dnnl_primitive_attr_create(&$0) }
        defer { dnnl_primitive_attr_destroy(attributes) }
        if key.accumulates {
            let operations: dnnl_post_ops_t = Self.make("sum") { dnnl_post_ops_create(&$0) }
            defer { dnnl_post_ops_destroy(operations) }
            Self.check("sum", dnnl_post_ops_append_sum(operations, 1))
            Self.check("sum", dnnl_primitive_attr_set_post_ops(attributes, operations))
        }
        let description: dnnl_primitive_desc_t = Self.make("matmul") {
            dnnl_primitive_desc_create(&$0, &operation, attributes, engine, nil)
        }
        defer { dnnl_primitive_desc_destroy(description) }
        let primitive: dnnl_primitive_t = Self.make("matmul") { dnnl_primitive_create(&$0, description) }
        let memories: [dnnl_memory_t] = descriptors.indices.map { index in
            Self.make("memory") {
                dnnl_memory_create(&$0, &descriptors[index], engine, nil)  // Addresses come with each product.
            }
        }
        let made = Primitive(primitive: primitive, memories: memories)
        primitives[key] = made
        return made
    }

    private static func setAddress(_ memory: dnnl_memory_t, _ address: UnsafeMutableRawPointer) {
        check("address", dnnl_memory_set_data_handle(memory, address))
    }

    private static func descriptor(
        _ rows: Int, _ columns: Int, _ type: ElementType, stride: Int, isTransposed: Bool
    ) -> dnnl_memory_desc_t {
        var descriptor = dnnl_memory_desc_t()
        let strides = isTransposed ? [1, Int64(stride)] : [Int64(stride), 1]
        check(
            "shape",
            dnnl_memory_desc_init_by_strides(
                &descriptor, 2, [Int64(rows), Int64(columns)], type == .float32 ? dnnl_f32 : dnnl_bf16, strides))
        return descriptor
    }

    /// A failure here is a shape or an address of our own making, or memory exhausted.
    private static func check(_ what: String, _ status: dnnl_status_t) {
        precondition(status == dnnl_success, "oneDNN \(what): status \(status.rawValue)")
    }

    private static func make<Handle>(_ what: String, _ create: (inout Handle?) -> dnnl_status_t) -> Handle {
        var handle: Handle?
        check(what, create(&handle))
        guard let handle else { preconditionFailure("oneDNN \(what): no handle") }
        return handle
    }
}

extension MatMul {
    /// Whether this CPU multiplies bfloat16 matrices. oneDNN wants AVX-512 for it.
    public static let supportsBFloat16: Bool = {
        switch dnnl_get_effective_cpu_isa() {
        case dnnl_cpu_isa_all, dnnl_cpu_isa_sse41, dnnl_cpu_isa_avx, dnnl_cpu_isa_avx2: false
        default: true
        }
    }()

    /// Of the running oneDNN library, for example `2.6.3`.
    public static var libraryVersion: String {
        guard let version = dnnl_version()?.pointee else { return "unknown" }
        return "\(version.major).\(version.minor).\(version.patch)"
    }
}
