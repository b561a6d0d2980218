import CWire
import ModelFiles

/// An adapter's factor as a number of the wire; no factor is 0.
enum FactorCoding {
    typealias Number = Shoal__V1__TrainingOptions__Factor

    static func number(_ factor: AdapterTensorName.Factor?) -> Number {
        switch factor {
        case nil: SHOAL__V1__TRAINING_OPTIONS__FACTOR__FACTOR_UNSPECIFIED
        case .a: SHOAL__V1__TRAINING_OPTIONS__FACTOR__FACTOR_A
        case .b: SHOAL__V1__TRAINING_OPTIONS__FACTOR__FACTOR_B
        case .magnitude: SHOAL__V1__TRAINING_OPTIONS__FACTOR__FACTOR_MAGNITUDE
        }
    }

    /// - Parameter field: For the error.
    static func factor(_ number: Number, _ field: String) throws(WireError) -> AdapterTensorName.Factor? {
        switch number {
        case SHOAL__V1__TRAINING_OPTIONS__FACTOR__FACTOR_UNSPECIFIED: nil
        case SHOAL__V1__TRAINING_OPTIONS__FACTOR__FACTOR_A: .a
        case SHOAL__V1__TRAINING_OPTIONS__FACTOR__FACTOR_B: .b
        case SHOAL__V1__TRAINING_OPTIONS__FACTOR__FACTOR_MAGNITUDE: .magnitude
        default: throw unknownValue(number.rawValue, field)
        }
    }
}
