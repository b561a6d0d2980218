#!/usr/bin/env bash
# Lets Debian's Prometheus scrape a live run and checks what the run tells it:
#
#   apt-get install prometheus; deploy/check_metrics.sh [.build/release/shoal]
#
# promtool's lint must find nothing, the scrape must succeed, and the metrics must be there under their names.
set -euo pipefail
shoal=$(realpath "${1:-.build/release/shoal}")
port=${SHOAL_CHECK_PORT:-18671}
prometheus_port=$((port + 1))
folder=$(mktemp -d "${TMPDIR:-/tmp}/shoal-metrics-XXXXXX")
cleanup() {
    kill "${prometheus_pid:-}" "${shoal_pid:-}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT

"$shoal" simulate --set federation.rounds=400 --state "$folder/state" --http "127.0.0.1:$port" >/dev/null 2>"$folder/shoal.log" &
shoal_pid=$!

printf '%s\n' "global: {scrape_interval: 1s, scrape_timeout: 1s}" "scrape_configs:" "  - job_name: shoal" \
    "    static_configs: [{targets: ['127.0.0.1:$port']}]" >"$folder/prometheus.yml"
promtool check config "$folder/prometheus.yml"
prometheus --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/tsdb" \
    --web.listen-address="127.0.0.1:$prometheus_port" >"$folder/prometheus.log" 2>&1 &
prometheus_pid=$!

ask() { # one value of a PromQL expression, empty while there is none
    curl -sS --get "http://127.0.0.1:$prometheus_port/api/v1/query" --data-urlencode "query=$1" 2>/dev/null |
        python3 -c 'import json, sys
try:
    result = json.load(sys.stdin)["data"]["result"]
except ValueError:
    result = []
print(result[0]["value"][1] if result else "")'
}
wait_for() { # a PromQL expression that becomes true
    for _ in $(seq 120); do
        kill -0 "$shoal_pid" || { cat "$folder/shoal.log"; exit 1; }
        [ -n "$(ask "$1")" ] && { echo "ok      $1"; return; }
        sleep 1
    done
    echo "FAILED  $1"
    exit 1
}

wait_for 'shoal_rounds_published >= 2'
echo "==> promtool check metrics"
curl -sS "http://127.0.0.1:$port/metrics" >"$folder/metrics.txt"
promtool check metrics <"$folder/metrics.txt"
echo "ok      promtool finds nothing in $(grep -c '^# TYPE' "$folder/metrics.txt") metrics"

echo "==> what Prometheus scraped"
wait_for 'up{job="shoal"} == 1'
for metric in 'shoal_build_info{version!=""} == 1' 'shoal_run_info{run!="",model="built-in",strategy="fedavg"} == 1' \
    'shoal_run_state{state="running"} == 1' 'sum(shoal_run_state) == 1' 'shoal_rounds_planned == 400' \
    'shoal_round_duration_seconds_count >= 2' 'shoal_round_duration_seconds_bucket{le="+Inf"} >= 2' \
    'shoal_train_loss{run!=""} > 0' 'shoal_held_out_loss{run!=""} > 0' 'shoal_run_stuck >= 0' 'shoal_workers_connected == 10' 'shoal_workers_enrolled == 10' \
    'shoal_workers_late >= 0' 'shoal_updates_accepted_total >= 20' 'shoal_updates_declined_total >= 0' \
    'shoal_uplink_bytes_total > 0' 'shoal_downlink_bytes_total > 0' 'shoal_dense_uplink_bytes_total > 0' \
    'shoal_tokens_trained_total > 0' 'shoal_energy_joules_total > 0' 'shoal_round_rollbacks_total >= 0' \
    'shoal_waiting_since_timestamp_seconds >= 0' \
    'process_resident_memory_bytes > 0' 'process_cpu_seconds_total > 0' 'process_start_time_seconds > 0' \
    'process_open_fds > 0' 'rate(shoal_uplink_bytes_total[30s]) > 0'; do
    wait_for "$metric"
done
echo "Prometheus scraped $(ask 'count({job="shoal"})') series in $(ask 'scrape_duration_seconds') s"
