internal import Glibc

/// Writes a safetensors file of any size piece by piece, in any order: sizes and places are fixed at the start.
///
/// Wider element types come first, as the reference implementation sorts them, so that every tensor of a mapped file is
/// aligned for its type; names of one width ascend. A tensor that is not written holds zeros.
package final class SafetensorsOutput {
    private let path: String
    private let descriptor: Int32
    /// First byte and size of each tensor.
    private let places: [String: (first: Int, byteCount: Int)]
    /// Unit: bytes.
    package let size: Int

    /// Creates a file that must not exist yet.
    package init(
        path: String, tensors: [(name: String, elementType: ElementType, shape: [Int])],
        metadata: [String: String] = [:]
    ) throws(FileError) {
        let sorted = tensors.sorted {
            $0.elementType.byteCount != $1.elementType.byteCount
                ? $0.elementType.byteCount > $1.elementType.byteCount
                : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        var header: [UInt8] = []
        let text = SafetensorsWriter.header(sorted, metadata: metadata)
        withUnsafeBytes(of: UInt64(text.count).littleEndian) { header.append(contentsOf: $0) }
        header += text
        var places: [String: (first: Int, byteCount: Int)] = [:]
        var position = header.count
        for tensor in sorted {
            let byteCount = tensor.elementType.byteCount * tensor.shape.reduce(1, *)
            let previous = places.updateValue((position, byteCount), forKey: tensor.name)
            precondition(previous == nil, "\(tensor.name) stands twice")
            position += byteCount
        }
        let descriptor = retryingInterrupts { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644) }
        guard descriptor >= 0 else { throw FileError.last("create", path) }
        self.path = path
        self.descriptor = descriptor
        self.places = places
        size = position
        // From here on deinit closes the file.
        guard ftruncate(descriptor, position) == 0 else { throw FileError.last("extend", path) }
        let written: Result<Void, FileError> = header.withUnsafeBytes { bytes in
            Result { () throws(FileError) in try write(bytes, at: 0) }
        }
        try written.get()
    }

    deinit { close(descriptor) }

    /// Writes a part of a tensor.
    ///
    /// - Parameter offset: Within the tensor. Unit: bytes.
    package func write(_ bytes: UnsafeRawBufferPointer, to tensor: String, at offset: Int = 0) throws(FileError) {
        guard let place = places[tensor], offset >= 0, offset + bytes.count <= place.byteCount else {
            preconditionFailure("\(bytes.count) bytes at \(offset) of \(tensor)")
        }
        try write(bytes, at: place.first + offset)
    }

    /// Writes values of a plain type.
    ///
    /// - Parameter first: Their place within the tensor. Unit: values.
    package func write<Value: BitwiseCopyable>(
        _ values: [Value], to tensor: String, at first: Int
    ) throws(FileError) {
        let written: Result<Void, FileError> = values.withUnsafeBytes { bytes in
            Result { () throws(FileError) in try write(bytes, to: tensor, at: first * MemoryLayout<Value>.stride) }
        }
        try written.get()
    }

    /// Writes a whole tensor of a plain type.
    package func write<Value: BitwiseCopyable>(_ values: [Value], to tensor: String) throws(FileError) {
        let written: Result<Void, FileError> = values.withUnsafeBytes { bytes in
            precondition(places[tensor]?.byteCount == bytes.count, "\(bytes.count) bytes for \(tensor)")
            return Result { () throws(FileError) in try write(bytes, to: tensor, at: 0) }
        }
        try written.get()
    }

    /// Waits for the disk.
    package func synchronize() throws(FileError) {
        guard fsync(descriptor) == 0 else { throw FileError.last("flush", path) }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at position: Int) throws(FileError) {
        var done = 0
        while done < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let written = retryingInterrupts { pwrite(descriptor, part.baseAddress, part.count, position + done) }
            guard written > 0 else { throw FileError.last("write", path) }
            done += written
        }
    }
}
