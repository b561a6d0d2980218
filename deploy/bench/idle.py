#!/usr/bin/env python3
"""What worker processes of one machine take of memory while they wait, before and after a round of training.

    python3 deploy/bench/idle.py [--workers 100] [--shape smollm2-135m] [--shoal .build/release/shoal]

A coordinator and so many workers, each a process of its own, share one base model with random weights. The private memory
of a process is Private_Clean + Private_Dirty of /proc/PID/smaps_rollup: what would come free if it ended. The workers train
in turn, as this machine's cores and memory allow; how many did so at once is read from the locks of their slots.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def write_tokenizer(path, size):
    """A byte-level BPE vocabulary of the size that the model's has: what a real one costs to load."""
    letters = [chr(c) for c in range(33, 127)] + [chr(c) for c in range(161, 173)] + [chr(c) for c in range(174, 256)]
    alphabet = letters + [chr(256 + n) for n in range(256 - len(letters))]
    tokens = {token: number for number, token in enumerate(alphabet)}
    merges, parts, draw = [], [chr(c) for c in range(97, 123)], random.Random(1)
    while len(tokens) < size:
        left, right = draw.choice(parts), draw.choice(parts)
        if left + right in tokens or len(left + right) > 9:
            continue
        tokens[left + right] = len(tokens)
        merges.append([left, right])
        if len(left + right) < 6:
            parts.append(left + right)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    document = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": tokens, "merges": merges},
    }
    path.write_text(json.dumps(document))


def words(count, seed):
    draw = random.Random(seed)
    return " ".join("".join(draw.choice("etaoinshrdlu") for _ in range(draw.randint(2, 8))) for _ in range(count))


def fields(path):
    """`Name: 12 kB` lines as MiB."""
    found = {}
    for line in path.read_text().splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[2] == "kB":
            found[parts[0].rstrip(":")] = int(parts[1]) / 1024
    return found


def measure(name, processes):
    private, shares = [], 0
    for process in processes:
        memory = fields(pathlib.Path(f"/proc/{process.pid}/smaps_rollup"))
        private.append(memory["Private_Clean"] + memory["Private_Dirty"])
        shares += memory["Pss"]
    return {
        "when": name, "workers": len(processes), "privateMiBMedian": round(statistics.median(private), 1),
        "privateMiBMax": round(max(private), 1), "togetherMiB": round(shares),
        "availableMiB": round(fields(pathlib.Path("/proc/meminfo"))["MemAvailable"]),
    }


def held_slots(folder):
    """Locked slot files, by their inodes in /proc/locks, and what their holders said."""
    inodes = {os.stat(path).st_ino: path for path in pathlib.Path(folder).glob("slot-*")}
    held = set()
    for line in open("/proc/locks"):
        parts = line.split()
        if "FLOCK" in parts and "->" not in parts:
            inode = int(parts[5].split(":")[-1])
            if inode in inodes:
                held.add(inodes[inode])
    return [path.read_text().split() for path in held]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--shape", default="smollm2-135m")
    parser.add_argument("--threads", type=int, default=1, help="of each worker")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--sequence", type=int, default=64)
    parser.add_argument("--no-training", action="store_true")
    parser.add_argument("--shoal", default=".build/release/shoal")
    options = parser.parse_args()
    shoal = os.path.abspath(options.shoal)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="shoal-idle-"))
    started = []

    def run(*arguments):
        return subprocess.run([shoal, *arguments], check=True, capture_output=True, text=True).stdout

    def show():
        return json.loads(run("run", "show", str(folder / "state"), "--json"))

    def wait(what, seconds, condition):
        end = time.time() + seconds
        while not condition():
            if time.time() > end or any(process.poll() is not None for process in started):
                sys.exit(f"waited in vain for {what}; see {folder}")
            time.sleep(0.2)

    def start(name, *arguments):
        log = open(folder / f"{name}.log", "w")
        environment = dict(os.environ, SHOAL_SLOTS_FOLDER=str(folder / "slots"))
        started.append(subprocess.Popen([shoal, *arguments], stdout=log, stderr=log, env=environment))
        return started[-1]

    try:
        cache = folder / "cache"
        run("bench", "train", "--shape", options.shape, "--dtype", "bfloat16", "--batch", "1", "--sequence", "8",
            "--steps", "2", "--cache", str(cache))
        model = next(cache.iterdir())
        write_tokenizer(model / "tokenizer.json", json.loads((model / "config.json").read_text())["vocab_size"])
        row = {"text": words(20 * options.sequence, 0), "split": "test"}
        (folder / "held-out.jsonl").write_text(json.dumps(row) + "\n")
        port = 20_000 + os.getpid() % 10_000
        (folder / "run.yaml").write_text(
            f"model: {model}\ndata: {{path: {folder}/held-out.jsonl, partition: even}}\n"
            f"training: {{local-steps: 1, batch-size: {options.batch}, sequence-length: {options.sequence}, "
            "precision: bfloat16}\n"
            f"federation: {{workers: {options.workers}, rounds: 1000, workers-per-round: {options.workers}}}\n"
            "evaluation: {every: 1000}\n")
        state = str(folder / "state")
        run("keys", "create", "--state", state)
        start("coordinator", "coordinator", "--config", str(folder / "run.yaml"), "--state", state, "--bind",
              f"tcp://127.0.0.1:{port}")
        wait("the coordinator", 120, lambda: "listening" in (folder / "coordinator.log").read_text())
        run("run", "pause", state)
        workers = []
        for number in range(options.workers):
            name = f"w{number}"
            data = folder / f"{name}.jsonl"
            data.write_text(json.dumps({"text": words(20 * options.sequence, number + 1)}) + "\n")
            run("keys", "invite", "--state", state, "--name", name, "--endpoint", f"tcp://127.0.0.1:{port}", "--out",
                str(folder / f"{name}.join"))
            workers.append(start(
                name, "worker", "--join", str(folder / f"{name}.join"), "--data", str(data), "--model", str(model),
                "--state", str(folder / f"{name}.state"), "--threads", str(options.threads), "--log-level", "info"))
        wait("the workers", 60 + 10 * options.workers, lambda: all(
            " connected " in (folder / f"w{number}.log").read_text() for number in range(options.workers)))
        time.sleep(3)
        print(json.dumps(measure("idle, before any task", workers)), flush=True)
        if options.no_training:
            return
        run("run", "resume", state)
        begin, most, peak, promised = time.time(), 0, 0.0, 0.0

        def has_trained():
            nonlocal most, peak, promised
            held = held_slots(folder / "slots") if (folder / "slots").exists() else []
            most = max(most, len(held))
            for record in held:
                if len(record) == 3:
                    status = pathlib.Path(f"/proc/{record[2]}/status")
                    peak = max(peak, fields(status).get("RssAnon", 0))
                    promised = max(promised, int(record[1]) / 2**20)
            return show()["round"] >= 1

        wait("the first round", 60 + 60 * options.workers, has_trained)
        seconds = time.time() - begin
        run("run", "pause", state)
        wait("the pause", 600, lambda: show()["state"] == "paused" and not held_slots(folder / "slots"))
        time.sleep(5)
        print(json.dumps({
            "when": "one round", "seconds": round(seconds, 1), "trainedAtOnceMost": most,
            "trainingAnonymousMiBMax": round(peak, 1), "estimatedMiBMax": round(promised, 1)}), flush=True)
        print(json.dumps(measure("idle, after training", workers)), flush=True)
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)


main()
