"""States of the dashboard that a small live fleet does not reach, served under the coordinator's own page."""
import datetime
import http.server
import json
import math
import random
import subprocess
import threading
import time
import urllib.parse
import urllib.request


def ago(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class StandIn:
    """Answers like a coordinator's monitor."""

    def __init__(self, html, policy, state):
        self.stopping = threading.Event()
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, body, kind, headers={}):
                body = body if isinstance(body, bytes) else body.encode()
                self.send_response(200)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                url = urllib.parse.urlparse(self.path)
                query = {key: values[0] for key, values in urllib.parse.parse_qs(url.query).items()}
                name = url.path.removeprefix("/api/v1/")
                if url.path == "/":
                    self.answer(html, "text/html; charset=utf-8", {"Content-Security-Policy": policy})
                elif name == "stream":
                    self.send_response(200)
                    self.send_header("Content-Type", "text/event-stream")
                    self.send_header("Connection", "close")
                    self.end_headers()
                    for kind in ["run", "rounds", "events", "fleet"] + (["end"] if state.get("end") else []):
                        self.wfile.write(f"event: {kind}\ndata: {json.dumps(state.get(kind, {}))}\n\n".encode())
                    self.wfile.flush()
                    stand_in.stopping.wait()
                elif name == "workers":
                    self.answer(json.dumps(page_of(state, query)), "application/json")
                else:
                    self.answer(json.dumps(state[name]), "application/json")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def page(shoal, port, folder):
        """The page as the program serves it, with its policy."""
        config = folder / "page.yaml"
        config.write_text("model: built-in\ndata: {path: built-in}\nfederation: {workers: 1, rounds: 1}\n")
        process = subprocess.Popen(
            [shoal, "coordinator", "--config", str(config), "--state", str(folder / "page"), "--bind", "tcp://127.0.0.1:0",
             "--http", f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                        return answer.read(), answer.headers["Content-Security-Policy"]
                except OSError:
                    time.sleep(0.2)
            raise SystemExit("the coordinator does not serve its page")
        finally:
            process.terminate()
            process.wait()


def page_of(state, query):
    workers = [one for one in state["workers"] if query.get("search", "") in one["worker"]]
    shown = query.get("state", "all")
    workers = [one for one in workers if shown == "all" or (shown == "connected") == one["isConnected"]]
    key = {"memory": "memoryBytes", "energy": "energyJoules"}.get(query.get("sort"), query.get("sort", "worker"))
    workers.sort(key=lambda one: str(one.get(key, "")), reverse=query.get("order") == "descending")
    offset, limit = int(query.get("offset", 0)), int(query.get("limit", 50))
    return {"participationIsSecret": state["run"]["participationIsSecret"], "total": len(state["workers"]),
            "matching": len(workers), "offset": offset, "workers": workers[offset:offset + limit]}


def fleet(count, is_secret=False):
    draw = random.Random(1)
    workers = []
    for number in range(count):
        worker = {"worker": f"clinic-{number + 1:04}", "isConnected": draw.random() < 0.96, "enrolledAt": ago(9e5)}
        if worker["isConnected"]:
            worker |= {"software": "0.1.0" if draw.random() < 0.9 else "<b>0.0.9</b>", "cores": draw.choice([2, 4, 8]),
                       "memoryBytes": draw.choice([4, 8, 16]) << 30, "rank": 8}
        if not is_secret:
            phase = draw.choice(["idle"] * 6 + ["training"] * 3 + ["uploading", "downloading"])
            worker |= {"updates": draw.randrange(0, 40), "failures": draw.choice([0, 0, 0, 0, 2]), "lastSeen": ago(draw.random() * 8),
                       "tokens": draw.randrange(10**4, 10**7), "trainLoss": 1.4 + draw.random(), "waitsForSlot": False,
                       "heldOutLoss": 1.6 + draw.random(), "firstHeldOutLoss": 4.8 + draw.random(),
                       "energyJoules": draw.random() * 4e4, "energyIsMeasured": draw.random() < 0.3,
                       "trainingSeconds": 60 + draw.random() * 4e3,
                       "suspicion": {"score": draw.random(), "rounds": draw.randrange(1, 40)}}
            if worker["isConnected"]:
                worker["phase"] = phase
                if phase == "training":
                    worker |= {"step": draw.randrange(1, 20), "totalSteps": 20}
            else:
                worker["lastSeen"] = ago(draw.random() * 90_000)
        workers.append(worker)
    return workers


def rounds(count, is_secret=False):
    draw = random.Random(2)
    made = []
    for number in range(1, count + 1):
        one = {"round": number, "attempt": 2 if number == 31 else 1, "publishedAt": ago((count - number) * 140), "seconds": 120 + 40 * draw.random()}
        if number % 2 == 0:
            one |= {"loss": 1.9 + 3.2 * math.exp(-number / 14) + 0.02 * draw.random(), "lossStandardError": 0.03}
        if not is_secret:
            if "loss" in one:
                one["worstDecileLoss"] = one["loss"] + 0.35
            one |= {"workers": 100, "trainLoss": 1.8 + 3.4 * math.exp(-number / 13) + 0.05 * draw.random(),
                    "energyJoules": 3e4 + 4e3 * draw.random(), "energyIsMeasured": False,
                    "tokens": 10**6, "uplinkBytes": number * 36_000_000, "downlinkBytes": number * 740_000_000,
                    "denseUplinkBytes": number * 976_000_000}
        made.append(one)
    return made


def run(**changes):
    run = {"run": "5be0c3a1f2d94e77", "software": "0.1.0", "now": ago(0), "state": "running", "isStuck": False, "late": [],
           "lateCount": 0, "model": "models/smollm2-135m", "task": "causal-lm", "strategy": "fedavgm", "aggregation": "separate",
           "uplinkCodec": "eden:bits=1", "publishedRounds": 60, "rounds": 200, "baseLoss": 5.09, "loss": 1.96, "lossRound": 60,
           "worstDecileLoss": 2.31,
           "trainLoss": 1.85, "rollbacks": 1, "roundSeconds": 139, "secondsLeft": 139 * 140, "workersConnected": 961,
           "workersEnrolled": 1000, "phases": {"idle": 560, "training": 240, "uploading": 81, "downloading": 80},
           "participationIsSecret": False, "updates": 6012, "declinedOffers": 14, "tokensTrained": 61_000_000,
           "uplinkBytes": 2_190_000_000, "downlinkBytes": 44_900_000_000, "denseUplinkBytes": 58_560_000_000,
           "roundsUplinkBytes": 2_160_000_000, "roundsDownlinkBytes": 44_900_000_000, "energyJoules": 1_930_000, "energyIsMeasured": False, "refusedMessages": {"malformed": 3},
           "openRound": {"round": 61, "attempt": 1, "updates": 37, "workersAsked": 100}}
    run.update(changes)
    return {key: value for key, value in run.items() if value is not None}


def runs(current, is_secret):
    """This one, and two before it."""
    told = [{"run": current["run"], "isCurrent": True, "state": current["state"], "began": ago(9000), "published": ago(140),
             "publishedRounds": current["publishedRounds"], "rounds": current["rounds"], "baseLoss": 5.09, "loss": current["loss"],
             "lossRound": current["lossRound"]}]
    for name, state, count in [("41d09c77a2be6650", "stopped", 13), ("9ae01f5521c4d30b", "finished", 100)]:
        told.append({"run": name, "isCurrent": False, "state": state, "began": ago(9e5 - count), "published": ago(6e5),
                     "publishedRounds": count, "rounds": 100, "baseLoss": 5.09, "loss": 2.31, "lossRound": count, "updates": 100 * count})
    if not is_secret:
        told[0]["updates"] = current["updates"]
    return told


def made_up_states():
    rollback = [{"round": 31, "attempt": 1, "loss": 3.4, "reference": 2.2, "tolerance": 0.05}]
    events = [{"at": ago(9000), "kind": "recovered", "detail": "the coordinator took the run up again"},
              {"at": ago(4300), "kind": "rolled-back", "detail": "round 31, attempt 1: held-out loss 3.4 after 2.2, more than evaluation.gate = 0.05 above"},
              {"at": ago(900), "kind": "declined", "worker": "clinic-0042", "detail": "gives no update for round 60: <img src=x onerror=alert(1)> not at night"},
              {"at": ago(500), "kind": "lost", "worker": "clinic-0107", "detail": "the worker was lost; its task goes to another one if there is one"},
              {"at": ago(140), "kind": "published", "detail": "round 60 was published"}]
    no_privacy = {"mechanism": "none"}

    def state(expect, run, workers, count, privacy=no_privacy, is_secret=False, end=None):
        told = rounds(count, is_secret)
        return {"expect": expect, "run": run, "workers": workers, "privacy": privacy, "end": end, "events": {"events": events},
                "runs": {"runs": runs(run, is_secret)},
                "rounds": {"participationIsSecret": is_secret, "baseLoss": 5.09, "publishedRounds": count, "rounds": told,
                           **({} if is_secret else {"baseWorstDecileLoss": 5.31}), "rollbacks": rollback if count > 31 else []},
                "fleet": {"workersConnected": 0, "workersEnrolled": len(workers), "revision": 1}}

    late = [{"worker": f"clinic-{n:04}", "reason": reason} for n, reason in [
        (42, "is not connected"), (107, "lost its connection; it is asked again when it comes back"),
        (311, "is training, step 3 of 20, past the round's deadline"), (640, "declined: the owner's budget of updates is used up")]]
    secret_run = run(participationIsSecret=True, trainLoss=None, phases=None, updates=None, declinedOffers=None, tokensTrained=None,
                     uplinkBytes=None, downlinkBytes=None, denseUplinkBytes=None, roundsUplinkBytes=None, roundsDownlinkBytes=None, energyJoules=None, energyIsMeasured=None, rollbacks=0, worstDecileLoss=None,
                     openRound={"round": 21, "attempt": 1}, publishedRounds=20, lossRound=20, loss=2.72,
                     waitingFor="round 21 is open until its deadline, whoever takes part", waitingSince=ago(31))
    return {
        "thousand": state("Running", run(
            waitingFor="round 61 has 37 of 100 updates and waits for clinic-0002, clinic-0011 and 61 more", waitingSince=ago(4)),
            fleet(1000), 60),
        "waiting": state("Stuck", run(
            isStuck=True, lateCount=4, late=late, openRound={"round": 61, "attempt": 1, "updates": 96, "workersAsked": 100},
            waitingFor="round 61 has 96 of 100 updates and waits for clinic-0042, clinic-0107, clinic-0311, clinic-0640; its "
            "deadline has passed with too few", waitingSince=ago(3900)), fleet(120), 60),
        "budget": state("Paused", run(
            state="paused", isStuck=True, openRound=None, secondsLeft=None,
            pauseCause="round 61 would overspend the privacy budget: epsilon 7.94 of 8.0 is spent at delta 1e-05, and a round "
            "with this noise costs more than is left; the adapter of the last published round is the result (shoal run stop)",
            waitingFor="paused", waitingSince=ago(5400)), fleet(12), 60,
            privacy={"mechanism": "dp-ftrl", "epsilon": 8, "delta": 1e-5, "epsilonSpent": 7.94, "steps": 60, "unreleased": 1,
                     "stepsLeft": 0, "noiseMultiplier": 0.8123, "samplingRate": 1, "clip": 0.35, "isSeeded": False, "workers": 1000}),
        "stays": state("Finished", run(
            state="finished", openRound=None, secondsLeft=None, publishedRounds=60, rounds=60, workersConnected=0, phases={},
            energyIsMeasured=True), [{**one, "isConnected": False, "phase": None} for one in fleet(12)], 60),
        "failed": state("Failed", run(), fleet(12), 60, end={
            "outcome": "failed", "cause": "the ledger run1/ledger.sqlite cannot be used: database or disk is full; check free space "
            "and permissions, then start again"}),
        "secret": state("Running", secret_run, fleet(40, is_secret=True), 20, is_secret=True,
                        privacy={"mechanism": "central", "epsilon": 4, "delta": 1e-6, "epsilonSpent": 1.372, "steps": 20,
                                 "unreleased": 0, "stepsLeft": 93, "noiseMultiplier": 0.61, "samplingRate": 0.01, "clip": 0.5,
                                 "isSeeded": False, "workers": 1000}),
    }
