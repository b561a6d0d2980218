internal import Glibc
internal import ModelFiles
package import Tensor

/// How rotary angles follow from a position: base, part of the head, and the scaling that long contexts use.
///
/// Names and rules as `transformers` has them (`ROPE_INIT_FUNCTIONS`).
package struct RotaryScaling: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case standard
        /// All positions divided by a factor.
        case linear(factor: Double)
        /// The base grows once a block is longer than the original context.
        case dynamic(factor: Double, originalLength: Int)
        /// Llama 3.1: long waves are slowed down, short ones kept, those between blended.
        case llama3(factor: Double, lowFrequency: Double, highFrequency: Double, originalLength: Int)
    }

    package var base: Double
    /// Part of each head's values that turns.
    package var partialFactor: Double
    package var kind: Kind

    /// - Parameters:
    ///   - headSize: All values of a head.
    ///   - length: Of the blocks; only dynamic scaling depends on it.
    package func angles(headSize: Int, length: Int) -> RotaryAngles {
        let rotated = Int(Double(headSize) * partialFactor)
        let frequencies = frequencies(rotated: rotated, length: length)
        return RotaryAngles(rotated: rotated) { position in
            frequencies.map { frequency in
                let angle = Double(position) * frequency
                return (Float(cos(angle)), Float(sin(angle)))
            }
        }
    }

    /// Whether the angles depend on the block's length.
    package var dependsOnLength: Bool {
        if case .dynamic = kind { true } else { false }
    }

    private func frequencies(rotated: Int, length: Int) -> [Double] {
        func plain(_ base: Double) -> [Double] {
            (0..<rotated / 2).map { pow(base, -2 * Double($0) / Double(rotated)) }
        }
        switch kind {
        case .standard: return plain(base)
        case .linear(let factor): return plain(base).map { $0 / factor }
        case .dynamic(let factor, let originalLength):
            guard length > originalLength else { return plain(base) }
            let growth = factor * Double(length) / Double(originalLength) - (factor - 1)
            return plain(base * pow(growth, Double(rotated) / Double(rotated - 2)))
        case .llama3(let factor, let low, let high, let originalLength):
            return plain(base).map { frequency in
                let wavelength = 2 * Double.pi / frequency
                if wavelength < Double(originalLength) / high { return frequency }
                if wavelength > Double(originalLength) / low { return frequency / factor }
                let smooth = (Double(originalLength) / wavelength - low) / (high - low)
                return (1 - smooth) * frequency / factor + smooth * frequency
            }
        }
    }
}

extension ConfigurationReader {
    /// The rotary settings: at the top level, in `rope_scaling`, or in `rope_parameters` since transformers 5.
    ///
    /// - Parameters:
    ///   - kind: The key in `rope_parameters` where they are given for each kind of layer, such as `sliding_attention`.
    ///   - maximumLength: What an original context length defaults to.
    func rotaryScaling(
        defaultBase: Double = 10_000, defaultPartialFactor: Double = 1, allowsPart: Bool = false, kind: String? = nil,
        maximumLength: Int
    ) throws(ModelError) -> RotaryScaling {
        var base = try positiveNumber("rope_theta", default: defaultBase)
        var partial = try positiveNumber("partial_rotary_factor", default: defaultPartialFactor)
        var path = "rope_parameters"
        var members: [String: JSONValue] = [:]
        for key in ["rope_parameters", "rope_scaling"] {
            guard let value = self[key] else { continue }
            guard case .object(let found) = value else { throw invalid(key, "an object or null", value) }
            path = key
            members.merge(found) { $1 }
        }
        if let kind, case .object(let inner)? = members[kind] {
            members = inner
            path += "." + kind
        }
        if members["partial_rotary_factor"] == nil { members["partial_rotary_factor"] = self["partial_rotary_factor"] }
        if !allowsPart, let part = members["partial_rotary_factor"], ![.null, .integer(1), .number(1)].contains(part) {
            throw .unsupportedSetting(
                file: file, key: path + ".partial_rotary_factor", value: Self.text(part), supported: "1")
        }
        guard !members.isEmpty else { return RotaryScaling(base: base, partialFactor: partial, kind: .standard) }
        let scaling = ConfigurationReader(file: file, members: members.filter { $1 != .null })
        base = try scaling.positiveNumber("rope_theta", default: base)
        partial = try scaling.positiveNumber("partial_rotary_factor", default: partial)
        let name = try scaling.firstString(["rope_type", "type"]) ?? "default"
        var known: Set<String> = ["rope_theta", "partial_rotary_factor", "rope_type", "type"]
        let result: RotaryScaling.Kind
        let place = path
        func factor() throws(ModelError) -> Double { try scaling.requiredNumber("factor", path: place) }
        switch name {
        case "default": result = .standard
        case "linear":
            known.insert("factor")
            result = .linear(factor: try factor())
        case "dynamic":
            known.formUnion(["factor", "original_max_position_embeddings"])
            result = .dynamic(
                factor: try factor(),
                originalLength: try scaling.size("original_max_position_embeddings", default: maximumLength))
        case "llama3":
            known.formUnion(["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"])
            result = .llama3(
                factor: try factor(), lowFrequency: try scaling.requiredNumber("low_freq_factor", path: path),
                highFrequency: try scaling.requiredNumber("high_freq_factor", path: path),
                originalLength: try scaling.size("original_max_position_embeddings"))
        default:
            throw .unsupportedSetting(
                file: file, key: path + ".rope_type", value: "\"\(name)\"",
                supported: "default, linear, dynamic and llama3")
        }
        if let other = scaling.members.keys.sorted().first(where: { !known.contains($0) }) {
            throw .unsupportedSetting(
                file: file, key: "\(path).\(other)", value: scaling.members[other].map { Self.text($0) } ?? "",
                supported: "\(known.sorted().joined(separator: ", ")) with rope_type \(name)")
        }
        return RotaryScaling(base: base, partialFactor: partial, kind: result)
    }

    private func firstString(_ keys: [String]) throws(ModelError) -> String? {
        for key in keys {
            if let found = try string(key) { return found }
        }
        return nil
    }

    private func requiredNumber(_ key: String, path: String) throws(ModelError) -> Double {
        guard let number = try positiveNumber(self[key], key: "\(path).\(key)") else {
            throw .missingKey(file: file, key: "\(path).\(key)")
        }
        return number
    }
}
