import Foundation
import Testing

/// The tensors of a safetensors file, read by the format's definition alone: eight bytes of length, a JSON header, data.
struct StoredTensors {
    /// float32, row-major, by name.
    private(set) var tensors: [String: (shape: [Int], values: [Float])] = [:]

    /// - Returns: `nil` for what is no safetensors file of float32.
    init?(_ path: String) {
        guard let data = FileManager.default.contents(atPath: path), data.count >= 8 else { return nil }
        let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= data.count - 8,
            let header = try? JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: Any]
        else { return nil }
        for (name, entry) in header where name != "__metadata__" {
            guard let entry = entry as? [String: Any], entry["dtype"] as? String == "F32",
                let shape = entry["shape"] as? [Int], let place = entry["data_offsets"] as? [Int], place.count == 2
            else { return nil }
            let bytes = [UInt8](data[8 + length + place[0]..<8 + length + place[1]])
            let values = stride(from: 0, to: bytes.count, by: 4).map { start in
                Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) })
            }
            tensors[name] = (shape, values)
        }
    }

    /// A matrix's entry as a number that products can be made of.
    func matrix(_ name: String) throws -> (rows: Int, columns: Int, values: [Double]) {
        let tensor = try #require(tensors[name], "no tensor \(name)")
        #expect(tensor.shape.count == 2)
        return (tensor.shape[0], tensor.shape[1], tensor.values.map(Double.init))
    }

    /// The layers that have a tensor of this ending, without it.
    func layers(_ ending: String) -> [String] {
        tensors.keys.filter { $0.hasSuffix(ending) }.map { String($0.dropLast(ending.count)) }.sorted()
    }
}

/// `left · right`, by the definition.
func naiveProduct(
    _ left: (rows: Int, columns: Int, values: [Double]), _ right: (rows: Int, columns: Int, values: [Double])
) -> (rows: Int, columns: Int, values: [Double]) {
    var values = [Double](repeating: 0, count: left.rows * right.columns)
    for row in 0..<left.rows {
        for inner in 0..<left.columns {
            let factor = left.values[row * left.columns + inner]
            for column in 0..<right.columns {
                values[row * right.columns + column] += factor * right.values[inner * right.columns + column]
            }
        }
    }
    return (left.rows, right.columns, values)
}
