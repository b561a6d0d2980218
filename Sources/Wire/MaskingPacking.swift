import CWire

extension UpdateMasking {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Masking> {
        let fields = arena.message(shoal__v1__masking__init)
        fields.pointee.clip = clip
        fields.pointee.levels = UInt32(clamping: levels)
        fields.pointee.weight_limit = UInt32(clamping: weightLimit)
        fields.pointee.minimum_cohort = UInt32(clamping: minimumCohort)
        fields.pointee.corrupt = corruptFraction
        fields.pointee.dropout = dropoutFraction
        fields.pointee.parameter_count = UInt64(clamping: parameterCount)
        if let noise {
            fields.pointee.noise_presence_case = SHOAL__V1__MASKING__NOISE_PRESENCE_NOISE_VARIANCE
            fields.pointee.noise_variance = noise.variance
            fields.pointee.noise_norm = noise.norm
            fields.pointee.minimum_honest = UInt32(clamping: noise.minimumHonest)
        }
        return fields
    }

    init(_ fields: Shoal__V1__Masking) throws(WireError) {
        guard fields.parameter_count >= 1, fields.parameter_count <= 1 << 31 else {
            throw .malformed("masking.parameterCount is out of range")
        }
        self.init(
            clip: try wireFinite(
                fields.clip, "masking.clip", in: Float.leastNonzeroMagnitude...Float.greatestFiniteMagnitude),
            levels: try Self.count(fields.levels, "masking.levels", 1...1 << 30),
            weightLimit: try Self.count(fields.weight_limit, "masking.weightLimit", 1...1 << 31),
            minimumCohort: try Self.count(fields.minimum_cohort, "masking.minimumCohort", 2...1 << 20),
            corruptFraction: try wireFinite(fields.corrupt, "masking.corrupt", in: 0...(1.0).nextDown),
            dropoutFraction: try wireFinite(fields.dropout, "masking.dropout", in: 0...(1.0).nextDown),
            parameterCount: Int(fields.parameter_count))
        noise = try Self.noise(fields)
        guard noise == nil || weightLimit == 1 else {
            throw .malformed("masking.noiseVariance stands beside weights")
        }
    }

    private static func noise(_ fields: Shoal__V1__Masking) throws(WireError) -> Noise? {
        guard fields.noise_presence_case == SHOAL__V1__MASKING__NOISE_PRESENCE_NOISE_VARIANCE else { return nil }
        return Noise(
            variance: try wireFinite(fields.noise_variance, "masking.noiseVariance", in: 0...0x1p51),
            norm: try wireFinite(fields.noise_norm, "masking.noiseNorm", in: 0x1p-20...0x1p51),
            minimumHonest: try count(fields.minimum_honest, "masking.minimumHonest", 1...1 << 20))
    }

    private static func count(
        _ value: UInt32, _ field: String, _ range: ClosedRange<UInt32>
    ) throws(WireError) -> Int {
        guard range.contains(value) else { throw .malformed("\(field) is out of range") }
        return Int(value)
    }
}

extension MaskStep {
    func packed(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__MaskStep> {
        let fields = arena.message(shoal__v1__mask_step__init)
        fields.pointee.lease = lease
        fields.pointee.step = Shoal__V1__MaskStep__Step(rawValue: step.rawValue)
        return fields
    }

    init(_ fields: Shoal__V1__MaskStep) throws(WireError) {
        guard let step = Step(rawValue: fields.step.rawValue) else {
            throw unknownValue(fields.step.rawValue, "maskStep.step")
        }
        self.init(lease: fields.lease, step: step)
    }
}
