/// A codec as people write it: `NAME[:key=value,…]`, for example `dense` or `eden:bits=4`.
public struct CodecName: Hashable, Sendable, CustomStringConvertible {
    public let name: String
    public let parameters: [String: String]

    public init(name: String, parameters: [String: String] = [:]) {
        self.name = name
        self.parameters = parameters
    }

    public static let dense = CodecName(name: "dense")

    public init?(_ text: String) {
        let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = halves.first, !name.isEmpty else { return nil }
        var parameters: [String: String] = [:]
        if halves.count == 2 {
            for pair in halves[1].split(separator: ",", omittingEmptySubsequences: false) {
                let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty, parameters[String(sides[0])] == nil
                else { return nil }
                parameters[String(sides[0])] = String(sides[1])
            }
        }
        self.init(name: String(name), parameters: parameters)
    }

    public var description: String {
        guard !parameters.isEmpty else { return name }
        let pairs = parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return "\(name):\(pairs.joined(separator: ","))"
    }
}
