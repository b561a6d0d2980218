#!/usr/bin/env python3
"""Checks with TensorBoard's and MLflow's own readers what `shoal run track` wrote.

usage: check_tracking.py LOG_DIR MLRUNS_DIR METRICS.jsonl     (of one run, or of several that stand in all three)
needs: pip install tensorboard mlflow-skinny

Every scalar that TensorBoard's event reader finds must be in MLflow's metrics and in the JSON lines, and none beyond.
MLflow 3 reads a file store only where MLFLOW_ALLOW_FILE_STORE=true, which is set here.
"""
import json, math, os, pathlib, sys

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

from mlflow.tracking import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator, STORE_EVERYTHING_SIZE_GUIDANCE


def from_tensorboard(folder):
    events = EventAccumulator(str(folder), size_guidance=STORE_EVERYTHING_SIZE_GUIDANCE)
    events.Reload()
    # Its reader turns simple values into tensors.
    found = {}
    for tag in events.Tags()["scalars"]:
        for event in events.Scalars(tag):
            found[tag, event.step] = event.value
    return found, "settings" in events.Tags()["tensors"]


def from_mlflow(store):
    client = MlflowClient(tracking_uri=pathlib.Path(store).absolute().as_uri())
    runs = {}
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id]):
            metrics = {}
            for name in run.data.metrics:
                for metric in client.get_metric_history(run.info.run_id, name):
                    metrics[name, metric.step] = metric.value
            runs[run.info.run_id] = (metrics, run.data.params, run.info.status)
    return runs


def main():
    logs, store, lines = sys.argv[1:4]
    settings, by_line = {}, {}
    for line in map(json.loads, open(lines)):
        if line["event"] == "run":
            settings[line["run"]] = line["settings"]
            continue
        for name, value in line.items():
            if name not in ("event", "run", "step", "at"):
                by_line.setdefault(line["run"], {})[name, line["step"]] = math.nan if value is None else value
    runs = from_mlflow(store)
    failures = 0
    for run, expected in by_line.items():
        scalars, has_settings = from_tensorboard(pathlib.Path(logs) / run)
        metrics, params, status = runs.get(run, ({}, {}, "missing"))
        problems = []
        if not has_settings:
            problems.append("TensorBoard finds no settings")
        if params != settings[run]:
            problems.append("MLflow's params are not the settings")
        for name, found, tolerance in [("TensorBoard", scalars, 1e-6), ("MLflow", metrics, 0)]:
            if found.keys() != expected.keys():
                problems.append(f"{name}: {sorted(found.keys() ^ expected.keys())[:5]} are not in both")
            for key in found.keys() & expected.keys():
                if abs(found[key] - expected[key]) > tolerance * abs(expected[key]):
                    problems.append(f"{name}: {key} is {found[key]}, not {expected[key]}")
        for problem in problems:
            print(f"FAILED: run {run}: {problem}")
        failures += len(problems)
        if not problems:
            print(f"run {run} ({status}): TensorBoard and MLflow find all {len(expected)} values and {len(params)} settings")
    sys.exit(1 if failures or not by_line else 0)


if __name__ == "__main__":
    main()
