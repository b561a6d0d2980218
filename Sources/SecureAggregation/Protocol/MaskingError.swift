public import Federation

/// Why a step of a masked sum is refused.
public enum MaskingError: Error, Hashable, Sendable {
    // What was agreed
    case noDegree(cohort: Int, corrupt: Double, dropout: Double)
    case weakDegree(cohort: Int, degree: Int, threshold: Int)
    case tooManyBits(cohort: Int, bits: Int)
    case cohortTooSmall(have: Int, need: Int)
    // Messages
    case malformed(String)
    case unknownWorker(WorkerName)
    case badSignature(WorkerName)
    case weakKey(WorkerName)
    case wrongRoster(String)
    case wrongNeighbours(String)
    case repeatedDifferently(WorkerName, step: String)
    case outOfTurn(step: String)
    // Shares
    case sealedShareRefused(from: WorkerName)
    case tooFewSharingNeighbours(WorkerName, have: Int, need: Int)
    case wrongShares(of: WorkerName)
    // Vectors
    case notFinite(index: Int)
    case weightOutOfRange(weight: Int, limit: Int)
    case wrongParameterCount(have: Int, need: Int)
    case alreadyMasked
    case noWeight
    case normExceeded(norm: Double, limit: Double)
    // Survivors
    case notCounted
    case bothKindsAsked(WorkerName)
    case unaccounted(WorkerName)
    case otherSurvivors
    case tooFewSurvivors(have: Int, need: Int)
    case tooFewSignatures(have: Int, need: Int)
    case unrecoverable(WorkerName, have: Int, need: Int)
    case cannotSign(String)
}

extension MaskingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noDegree(let cohort, let corrupt, let dropout):
            "no number of neighbours makes masks among \(cohort) workers safe against a share of \(corrupt) that "
                + "collude and complete when a share of \(dropout) drops out; assume less of one of them, or take more "
                + "workers"
        case .weakDegree(let cohort, let degree, let threshold):
            "\(degree) neighbours and a threshold of \(threshold) are not safe among \(cohort) workers under the "
                + "assumptions that this worker holds"
        case .tooManyBits(let cohort, let bits):
            "the sum over \(cohort) workers needs \(bits) bits a value and at most 32 are possible; lower the levels, "
                + "the largest weight, the noise or the number of workers"
        case .cohortTooSmall(let have, let need):
            "\(have) workers take part and this worker hides only among at least \(need)"
        case .malformed(let reason): reason
        case .unknownWorker(let worker): "\(worker) does not take part in this attempt"
        case .badSignature(let worker):
            "the signature of \(worker) does not belong to its identity, this attempt and these bytes"
        case .weakKey(let worker): "a key of \(worker) is no usable X25519 key"
        case .wrongRoster(let reason): "the list of keys is not the one its root commits to: \(reason)"
        case .wrongNeighbours(let reason): "the neighbours are not those of the graph: \(reason)"
        case .repeatedDifferently(let worker, let step):
            "\(worker) sent its \(step) twice with different contents; the first stands"
        case .outOfTurn(let step): "\(step) came out of turn"
        case .sealedShareRefused(let worker):
            "the sealed share from \(worker) was not sealed by it for this worker and attempt"
        case .tooFewSharingNeighbours(let worker, let have, let need):
            "\(have) neighbours of \(worker) hold its shares and \(need) are needed"
        case .wrongShares(let worker): "the shares of \(worker) do not give the secret that it committed to"
        case .notFinite(let index): "value \(index) of the update is not finite"
        case .weightOutOfRange(let weight, let limit): "a weight of \(weight) lies outside 0 to \(limit)"
        case .wrongParameterCount(let have, let need): "\(have) values where \(need) are agreed"
        case .alreadyMasked: "a vector was masked in this attempt already; masks are for one vector only"
        case .noWeight: "the survivors' weights sum to 0"
        case .normExceeded(let norm, let limit):
            "the update's integers have a norm of \(norm), and the noise was planned for \(limit)"
        case .notCounted: "this worker sent a masked vector and is not among the survivors"
        case .bothKindsAsked(let worker):
            "both kinds of share of \(worker) are asked for, which together would uncover its update"
        case .unaccounted(let worker):
            "\(worker) shared its secrets and is neither a survivor nor dropped, or is one without having shared"
        case .otherSurvivors: "another set of survivors was signed in this attempt"
        case .tooFewSurvivors(let have, let need): "\(have) workers sent masked vectors and \(need) are needed"
        case .tooFewSignatures(let have, let need):
            "\(have) neighbours signed the set of survivors and \(need) are needed"
        case .unrecoverable(let worker, let have, let need):
            "\(have) shares of \(worker) are left and \(need) are needed; the attempt cannot be unmasked"
        case .cannotSign(let reason): "the worker's identity cannot sign: \(reason)"
        }
    }
}
