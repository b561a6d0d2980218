internal import CKernels
internal import ModelFiles

extension SafetensorsFile.Tensor {
    /// Writes the values rounded to bfloat16 under the same name, a part at a time.
    ///
    /// - Precondition: float32, float16 or bfloat16.
    func narrow(to output: SafetensorsOutput) throws(FileError) {
        let part = 1 << 20
        for first in stride(from: 0, to: count, by: part) {
            guard let values = try? float32Values(in: first..<min(count, first + part)) else {
                preconditionFailure("\(name) is \(elementType.rawValue)")
            }
            var halves = [UInt16](repeating: 0, count: values.count)
            shoal_convert(SHOAL_FLOAT32, values, SHOAL_BFLOAT16, &halves, values.count, 1)
            try output.write(halves, to: name, at: first)
        }
    }
}
