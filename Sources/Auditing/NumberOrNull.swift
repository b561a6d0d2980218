/// A number in JSON, and `null` where there is none or it is infinite.
@propertyWrapper
public struct NumberOrNull: Hashable, Sendable, Encodable {
    public var wrappedValue: Double?

    public init(wrappedValue: Double?) { self.wrappedValue = wrappedValue }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let value = wrappedValue, value.isFinite { try container.encode(value) } else { try container.encodeNil() }
    }
}
