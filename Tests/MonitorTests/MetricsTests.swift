import Coordinator
import Foundation
import Monitor
import Testing
import WebClient

@Suite("Metrics for Prometheus")
struct MetricsTests {
    /// By hand, from the made-up run; `process_` figures and their values are left out.
    private let expected = """
        # HELP shoal_build_info The coordinator's release; always 1.
        # TYPE shoal_build_info gauge
        shoal_build_info{version="0.1.0"} 1
        # HELP shoal_run_info What is trained; always 1.
        # TYPE shoal_run_info gauge
        shoal_run_info{run="0000000000000001",model="",strategy=""} 1
        # HELP shoal_run_state 1 for the run's present state.
        # TYPE shoal_run_state gauge
        shoal_run_state{state="running"} 1
        shoal_run_state{state="paused"} 0
        shoal_run_state{state="stopped"} 0
        shoal_run_state{state="finished"} 0
        # HELP shoal_rounds_published Rounds behind the current adapter.
        # TYPE shoal_rounds_published gauge
        shoal_rounds_published 2
        # HELP shoal_round_duration_seconds Published rounds, from first offer to publication.
        # TYPE shoal_round_duration_seconds histogram
        shoal_round_duration_seconds_bucket{le="1"} 0
        shoal_round_duration_seconds_bucket{le="2.5"} 1
        shoal_round_duration_seconds_bucket{le="5"} 1
        shoal_round_duration_seconds_bucket{le="10"} 1
        shoal_round_duration_seconds_bucket{le="30"} 1
        shoal_round_duration_seconds_bucket{le="60"} 2
        shoal_round_duration_seconds_bucket{le="120"} 2
        shoal_round_duration_seconds_bucket{le="300"} 2
        shoal_round_duration_seconds_bucket{le="600"} 2
        shoal_round_duration_seconds_bucket{le="1800"} 2
        shoal_round_duration_seconds_bucket{le="3600"} 2
        shoal_round_duration_seconds_bucket{le="7200"} 2
        shoal_round_duration_seconds_bucket{le="21600"} 2
        shoal_round_duration_seconds_bucket{le="+Inf"} 2
        shoal_round_duration_seconds_sum 42.5
        shoal_round_duration_seconds_count 2
        # HELP shoal_train_loss Mean training loss of the newest round, in nats a token.
        # TYPE shoal_train_loss gauge
        shoal_train_loss{run="0000000000000001"} 3
        # HELP shoal_held_out_loss Held-out loss of the newest adapter that was evaluated, the base model's before any, in nats a token.
        # TYPE shoal_held_out_loss gauge
        shoal_held_out_loss{run="0000000000000001"} 1.5
        # HELP shoal_held_out_loss_worst_decile The same over the tenth of the workers whose own held-out text it serves worst, in nats a token.
        # TYPE shoal_held_out_loss_worst_decile gauge
        shoal_held_out_loss_worst_decile{run="0000000000000001"} 2.25
        # HELP shoal_round_rollbacks_total Attempts that the quality gate turned back.
        # TYPE shoal_round_rollbacks_total counter
        shoal_round_rollbacks_total 0
        # HELP shoal_waiting_since_timestamp_seconds Since when the run waits for what it waits for now; 0: for nothing.
        # TYPE shoal_waiting_since_timestamp_seconds gauge
        shoal_waiting_since_timestamp_seconds 990
        # HELP shoal_run_stuck 1 where somebody should look: it paused by itself, or has waited for twice as long as its rounds take.
        # TYPE shoal_run_stuck gauge
        shoal_run_stuck 1
        # HELP shoal_workers_connected Workers with an open session.
        # TYPE shoal_workers_connected gauge
        shoal_workers_connected 2
        # HELP shoal_workers_enrolled Workers that may connect.
        # TYPE shoal_workers_enrolled gauge
        shoal_workers_enrolled 3
        # HELP shoal_workers_late Workers that hold up the run: silent, or at it for twice the usual time.
        # TYPE shoal_workers_late gauge
        shoal_workers_late 1
        # HELP shoal_messages_refused_total Messages refused since the process began, by why.
        # TYPE shoal_messages_refused_total counter
        shoal_messages_refused_total{kind="malformed"} 3
        # HELP shoal_updates_accepted_total Updates that were recorded.
        # TYPE shoal_updates_accepted_total counter
        shoal_updates_accepted_total 3
        # HELP shoal_updates_declined_total Offers that workers declined since the process began.
        # TYPE shoal_updates_declined_total counter
        shoal_updates_declined_total 4
        # HELP shoal_tokens_trained_total Tokens behind the recorded updates that told.
        # TYPE shoal_tokens_trained_total counter
        shoal_tokens_trained_total 50
        # HELP shoal_uplink_bytes_total Frame bytes from workers, before encryption.
        # TYPE shoal_uplink_bytes_total counter
        shoal_uplink_bytes_total 1000
        # HELP shoal_downlink_bytes_total Frame bytes to workers, before encryption.
        # TYPE shoal_downlink_bytes_total counter
        shoal_downlink_bytes_total 2000
        # HELP shoal_dense_uplink_bytes_total What the published rounds' updates take as plain float32 values.
        # TYPE shoal_dense_uplink_bytes_total counter
        shoal_dense_uplink_bytes_total 1000

        """

    @Test func aRunInPrometheusWords() async throws {
        let run = try MadeUpRun()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        client.monitor.board.post(run.fleet())
        let answer = try await client.ask("metrics")
        let text = answer.body
        #expect(answer.status == 200)
        #expect(answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
        let ofTheRun = text.components(separatedBy: "# HELP process_")[0]
        #expect(ofTheRun == expected)
        for name in [
            "process_resident_memory_bytes", "process_cpu_seconds_total", "process_start_time_seconds",
            "process_open_fds",
        ] {
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + " ") })
            #expect(try #require(Double(line.split(separator: " ")[1])) > 0)
        }
        try checkGrammar(text)
        await client.stop()
    }

    @Test func beforeThereIsARunTheProcessIsTold() async throws {
        let client = try await MonitorClient()
        let answer = try await client.ask("metrics")
        let text = answer.body
        #expect(answer.status == 200 && text.contains("shoal_build_info{version=\"0.1.0\"} 1\n"))
        #expect(!text.contains("shoal_run"))
        try checkGrammar(text)
        await client.stop()
    }

    @Test func secretParticipationIsInNoFigure() async throws {
        let run = try MadeUpRun()
        try run.makeParticipationSecret()
        let client = try await MonitorClient()
        client.monitor.attach(run.ledger, state: run.folder)
        client.monitor.board.post(run.fleet(isSecret: true))
        // Metrics wait for nobody: they tell the newest report that there is.
        #expect(try await client.ask("api/v1/privacy").status == 200)
        let text = try await client.ask("metrics").body
        for name in [
            "shoal_workers_late", "shoal_updates_", "shoal_tokens_", "shoal_uplink_", "shoal_downlink_",
            "shoal_dense_", "shoal_train_loss", "worst_decile",
        ] {
            #expect(!text.contains(name), "\(name)")
        }
        #expect(text.contains("\nshoal_privacy_epsilon_budget 8\n"))
        #expect(text.contains("\nshoal_privacy_epsilon_spent 0\n"))
        #expect(text.contains("\nshoal_workers_connected 2\n"))
        try checkGrammar(text)
        await client.stop()
    }

    /// The exposition format's grammar: a `HELP` and a `TYPE` line before the samples of each metric, every metric once,
    /// buckets that never fall and end with the count.
    private func checkGrammar(_ text: String) throws {
        #expect(text.hasSuffix("\n"))
        let label = #"[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*""#
        let number = #"-?[0-9.]+(?:e[+-]?[0-9]+)?|[+-]Inf|NaN"#
        let sample = try Regex<(Substring, Substring, Substring?, Substring)>(
            "([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{\(label)(?:,\(label))*\\})? (\(number))")
        let type = #/# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)/#
        var (metric, isHistogram) = ("", false)
        var seen: Set<String> = []
        var samples: Set<String> = []
        var help = ""
        var buckets: [Double] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if line.hasPrefix("# HELP ") {
                help = String(line.split(separator: " ")[2])
                #expect(seen.insert(help).inserted, "\(help) twice")
            } else if let found = try type.wholeMatch(in: line) {
                (metric, isHistogram, buckets) = (String(found.1), found.2 == "histogram", [])
                #expect(metric == help)
                if found.2 == "counter" { #expect(metric.hasSuffix("_total")) }
            } else {
                let found = try #require(try sample.wholeMatch(in: line), "\(line)")
                let name = String(found.1)
                let allowed = isHistogram ? ["_bucket", "_sum", "_count"].map { metric + $0 } : [metric]
                #expect(allowed.contains(name), "\(line)")
                #expect(samples.insert(name + (found.2.map(String.init) ?? "")).inserted, "\(line)")
                let value = Double(found.3) ?? .nan
                if name.hasSuffix("_bucket") {
                    #expect(value >= buckets.last ?? 0)
                    buckets.append(value)
                }
                if isHistogram, name.hasSuffix("_count") { #expect(value == buckets.last) }
            }
        }
    }
}
