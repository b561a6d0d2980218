import Coordinator
import Federation
import RunFile

/// `GET /metrics`: a run in Prometheus' words.
enum RunMetrics {
    /// Upper ends of the round durations' buckets. Unit: seconds.
    static let roundSeconds: [Double] = [1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600]
    static let states = ["running", "paused", "stopped", "finished"]

    /// What is known before there is a run: the program alone.
    static func text(version: String, process: ProcessFigures?) -> String {
        var metrics = MetricsText()
        addBuild(version, to: &metrics)
        addProcess(process, to: &metrics)
        return metrics.text
    }

    static func text(_ snapshot: RunSnapshot, process: ProcessFigures?) -> String {
        var metrics = MetricsText()
        addBuild(snapshot.version, to: &metrics)
        addRun(snapshot, to: &metrics)
        addFleet(snapshot, to: &metrics)
        addSpending(snapshot, to: &metrics)
        addProcess(process, to: &metrics)
        return metrics.text
    }

    private static func addBuild(_ version: String, to metrics: inout MetricsText) {
        metrics.add(
            .gauge, "shoal_build_info", "The coordinator's release; always 1.", 1, labels: ["version": version])
    }

    private static func addRun(_ snapshot: RunSnapshot, to metrics: inout MetricsText) {
        let (overview, history) = (snapshot.overview, snapshot.history)
        // Another run's losses are another series: none is held against the run's before it.
        let run: KeyValuePairs = ["run": overview.id.text]
        metrics.add(
            .gauge, "shoal_run_info", "What is trained; always 1.", 1,
            labels: [
                "run": overview.id.text, "model": snapshot.ledger.configuration?.model.label ?? "",
                "strategy": snapshot.ledger.configuration?.federation.strategy.rawValue ?? "",
            ])
        metrics.add(
            .gauge, "shoal_run_state", "1 for the run's present state.", by: "state",
            states.map { ($0, $0 == snapshot.stateLabel ? 1 : 0) })
        metrics.add(
            .gauge, "shoal_rounds_published", "Rounds behind the current adapter.", Double(overview.publishedRounds))
        metrics.add(
            .gauge, "shoal_rounds_planned", "Rounds that the run file asks for.", overview.rounds.map(Double.init))
        metrics.addHistogram(
            "shoal_round_duration_seconds", "Published rounds, from first offer to publication.",
            bounds: roundSeconds, history.rounds.map(\.seconds))
        metrics.add(
            .gauge, "shoal_train_loss", "Mean training loss of the newest round, in nats a token.",
            history.rounds.last?.trainLoss, labels: run)
        metrics.add(
            .gauge, "shoal_held_out_loss",
            "Held-out loss of the newest adapter that was evaluated, the base model's before any, in nats a token.",
            (overview.last?.evaluation ?? overview.base)?.loss, labels: run)
        metrics.add(
            .gauge, "shoal_held_out_loss_worst_decile",
            "The same over the tenth of the workers whose own held-out text it serves worst, in nats a token.",
            snapshot.isSecret ? nil : (overview.last?.evaluation ?? overview.base)?.worstDecile, labels: run)
        metrics.add(
            .counter, "shoal_round_rollbacks_total", "Attempts that the quality gate turned back.",
            Double(history.rollbacks.count))
        metrics.add(
            .gauge, "shoal_waiting_since_timestamp_seconds",
            "Since when the run waits for what it waits for now; 0: for nothing.", Double(snapshot.waitingSince ?? 0))
        metrics.add(
            .gauge, "shoal_run_stuck",
            "1 where somebody should look: it paused by itself, or has waited for twice as long as its rounds take.",
            snapshot.isStuck ? 1 : 0)
    }

    private static func addFleet(_ snapshot: RunSnapshot, to metrics: inout MetricsText) {
        metrics.add(
            .gauge, "shoal_workers_connected", "Workers with an open session.",
            Double(snapshot.fleet?.members.count ?? 0))
        metrics.add(
            .gauge, "shoal_workers_enrolled", "Workers that may connect.", Double(snapshot.enrolled))
        metrics.add(
            .gauge, "shoal_workers_late", "Workers that hold up the run: silent, or at it for twice the usual time.",
            snapshot.isSecret ? nil : Double(snapshot.lateCount))
        metrics.add(
            .counter, "shoal_messages_refused_total", "Messages refused since the process began, by why.", by: "kind",
            (snapshot.fleet?.standing.refusals ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, Double($0.value)) })
    }

    private static func addSpending(_ snapshot: RunSnapshot, to metrics: inout MetricsText) {
        if !snapshot.isSecret {
            let totals = snapshot.overview.totals
            metrics.add(
                .counter, "shoal_updates_accepted_total", "Updates that were recorded.", Double(totals.updates))
            metrics.add(
                .counter, "shoal_updates_declined_total", "Offers that workers declined since the process began.",
                snapshot.fleet?.declined.map(Double.init) ?? 0)
            metrics.add(
                .counter, "shoal_tokens_trained_total", "Tokens behind the recorded updates that told.",
                totals.tokens.map { Double($0) })
            metrics.add(
                .counter, "shoal_uplink_bytes_total", "Frame bytes from workers, before encryption.",
                snapshot.counters.map { Double($0.uplinkBytes) })
            metrics.add(
                .counter, "shoal_downlink_bytes_total", "Frame bytes to workers, before encryption.",
                snapshot.counters.map { Double($0.downlinkBytes) })
            metrics.add(
                .counter, "shoal_dense_uplink_bytes_total",
                "What the published rounds' updates take as plain float32 values.",
                Double(snapshot.history.rounds.last?.denseUplinkBytes ?? 0))
            metrics.add(
                .counter, "shoal_energy_joules_total",
                "What workers told of the energy behind the published rounds; some of it may be estimated.",
                snapshot.history.energyJoules)
            metrics.add(
                .gauge, "shoal_energy_measured",
                "1 where all of shoal_energy_joules_total was read from hardware, 0 where some is an estimate.",
                snapshot.history.energyJoules.map { _ in snapshot.history.isEnergyMeasured ? 1 : 0 })
        }
        guard let privacy = snapshot.privacy else { return }
        metrics.add(
            .gauge, "shoal_privacy_epsilon_spent", "Epsilon that the worker who paid most has paid.",
            privacy.epsilonSpent)
        metrics.add(
            .gauge, "shoal_privacy_epsilon_budget", "Epsilon that no worker pays beyond.", privacy.terms.epsilon)
    }

    private static func addProcess(_ process: ProcessFigures?, to metrics: inout MetricsText) {
        guard let process else { return }
        metrics.add(
            .gauge, "process_resident_memory_bytes", "Resident memory size in bytes.",
            Double(process.residentMemoryBytes))
        metrics.add(
            .counter, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
            process.processorSeconds)
        metrics.add(
            .gauge, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
            process.startedAt)
        metrics.add(
            .gauge, "process_open_fds", "Number of open file descriptors.", Double(process.openDescriptors))
    }
}
