import Simulation

/// What a simulated attack came to, for the closing object or table.
struct AttackReport {
    let name: String
    let share: Double
    let workers: [String]
    /// Without the run's adapter and with it.
    var backdoor: (base: BackdoorProbe.Success, final: BackdoorProbe.Success)?

    var rows: [(String, String)] {
        var rows = [("simulated attack", "\(name) by \(workers.count) workers")]
        if let backdoor {
            let names = ("\(Quantity.loss(backdoor.base.loss))", "\(Quantity.loss(backdoor.final.loss))")
            rows.append(("backdoor's loss", "\(names.1) after the trigger (base model \(names.0))"))
            if let base = backdoor.base.rate, let final = backdoor.final.rate {
                let rates = (Quantity.fixed(base, digits: 4), Quantity.fixed(final, digits: 4))
                rows.append(("backdoor's success", "\(rates.1) of triggered examples (base model \(rates.0))"))
            }
        }
        return rows
    }
}

extension AttackReport: Encodable {
    private enum Key: String, CodingKey {
        case name, share, workers, backdoorLossBase, backdoorLoss, backdoorRateBase, backdoorRate
    }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(name, forKey: .name)
        try object.encode(share, forKey: .share)
        try object.encode(workers, forKey: .workers)
        try object.encodeIfPresent(backdoor?.base.loss, forKey: .backdoorLossBase)
        try object.encodeIfPresent(backdoor?.final.loss, forKey: .backdoorLoss)
        try object.encodeIfPresent(backdoor?.base.rate, forKey: .backdoorRateBase)
        try object.encodeIfPresent(backdoor?.final.rate, forKey: .backdoorRate)
    }
}
