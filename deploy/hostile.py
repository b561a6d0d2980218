"""Peers that mean it ill, over real sockets, against a live coordinator with two honest workers. See hostile.sh.

What must hold: the run finishes with every round published once and its records sound; the coordinator is never down,
or straight back where its memory limit ends it; its peak memory stays under the limit below; what was refused was
counted and said. Exit code 0 if so. Protocol messages are encoded here by the protobuf rules alone.
"""
import argparse, collections, hashlib, json, os, random, resource, shutil, signal, socket, struct, subprocess, sys
import tempfile, threading, time
import zmq
import zmq.utils.z85

ROUNDS = 1_000_000  # More than anybody waits for: the run ends when its owner stops it.
PEAK_MIB = 400  # While nobody sends an endless message.
DATA_LIMIT_MIB = 1024  # What the process may allocate at all: stands in for a service's memory limit.
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


# --- protobuf
def varint(value):
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def blob(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def envelope(kind, body, id=1, round=1, attempt=1, version=1):
    return number(1, version) + number(2, id) + number(5, round) + number(6, attempt) + blob(kind, body)


def fields(data):
    """A message's fields; the last of a number counts."""
    found, at = {}, 0

    def whole():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = whole()
        if key & 7 == 0:
            found[key >> 3] = whole()
            continue
        size = {1: 8, 5: 4}.get(key & 7) or whole()
        found[key >> 3] = data[at:at + size]
        at += size
    return found


ENROL, ENROLLED, HELLO, WELCOME, REFUSED, HEARTBEAT, OFFER, ACCEPT = 16, 17, 18, 19, 20, 21, 22, 23
REQUEST, BEGIN, CHUNK, COMMIT, ACK, REPORT, COUNTERSIGN, WHOLE = 25, 27, 28, 29, 30, 31, 33, 45


def hello():
    return envelope(HELLO, blob(1, b"hostile") + blob(3, b"dense") + number(4, 1) + number(5, 1 << 30))


class Peer:
    """A DEALER socket with keys of its choice."""

    def __init__(self, stage, public=None, secret=None, plain=False):
        self.socket = stage.context.socket(zmq.DEALER)
        for option, value in ((zmq.LINGER, 0), (zmq.SNDHWM, 1000), (zmq.SNDTIMEO, 2000)):
            self.socket.setsockopt(option, value)
        if not plain:
            if public is None:
                public, secret = zmq.curve_keypair()
            self.socket.curve_publickey, self.socket.curve_secretkey = public, secret
            self.socket.curve_serverkey = stage.server_key
        self.socket.connect(stage.endpoint)
        self.sent, self.refused, self.acks = 0, collections.Counter(), collections.Counter()
        self.lease = self.adapter = None

    def send(self, *frames):
        try:
            self.socket.send_multipart(frames)
            self.sent += 1
            return True
        except zmq.Again:
            return False

    def listen(self, seconds, until=lambda kind: False):
        """Takes what comes; true once `until` says so of a message's kind."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self.socket.poll(int(left * 1000) + 1):
            message = fields(self.socket.recv_multipart()[0])
            kind = next(key for key in message if key >= 16)
            body = fields(message[kind])
            if kind == REFUSED:
                self.refused[body.get(1, 0)] += 1
            if kind == ACK:
                self.acks[next((key for key in body if key > 1), 0)] += 1
            if kind == OFFER:
                self.lease, self.adapter = body[1], body[6]
                self.round, self.attempt = message.get(5, 0), message.get(6, 0)
            if until(kind):
                return True
        return False

    def open(self):
        self.send(hello())
        return self.listen(10, lambda kind: kind == WELCOME)

    def close(self):
        self.socket.close()


def enrol(stage, name):
    """Registers keys of our own under an invited name, as a worker does."""
    join = json.load(open(stage.invite(name)))
    keys = zmq.curve_keypair()
    invited = Peer(stage, join["invitation"]["publicKey"].encode(), join["invitation"]["secretKey"].encode())
    invited.send(hello())  # Refused: an invitation may only enrol.
    invited.send(envelope(ENROL, blob(1, zmq.utils.z85.decode(keys[0])) + blob(2, os.urandom(32))))
    assert invited.listen(20, lambda kind: kind == ENROLLED), f"{name} could not enrol"
    assert invited.refused, "an invitation's key may say Hello"
    invited.close()
    return keys


# --- what they do; each returns what it sent and what it was refused, for the table
def no_key(stage):
    plain, stranger = Peer(stage, plain=True), Peer(stage)
    for peer in (plain, stranger):
        for _ in range(500):
            peer.send(hello())
    heard = plain.listen(3, lambda kind: True) or stranger.listen(1, lambda kind: True)
    assert not heard, "a stranger was answered"
    plain.close(), stranger.close()
    for size in (1, 9, 64, 4096, 1 << 20):  # No ZeroMQ at all.
        with socket.create_connection(stage.address, timeout=2) as raw:
            try:
                raw.sendall(stage.random.randbytes(size))
            except OSError:
                pass
    return {"strangers' messages": 1000, "garbage connections": 5}


def revoked(stage):
    keys = enrol(stage, "revoked")
    peer = Peer(stage, *keys)
    assert peer.open(), "an enrolled key was not let in"
    stage.run("keys", "revoke", "--state", stage.state, "--name", "revoked")
    assert peer.listen(10, lambda kind: kind == REFUSED), "a revoked worker was not told"
    peer.close()
    time.sleep(1)
    again = Peer(stage, *keys)
    assert not again.open(), "a revoked key was let in again"
    again.close()
    return {"refused": sum(peer.refused.values())}


def malformed(stage):
    peer = Peer(stage, *enrol(stage, "malformed"))
    assert peer.open()
    good = [hello(), envelope(HEARTBEAT, number(1, 3) + number(2, 1)), envelope(ACCEPT, number(1, 1)),
            envelope(BEGIN, number(1, 1) + blob(2, bytes(32)) + number(3, 1 << 60) + blob(4, b"dense")),
            envelope(REQUEST, blob(1, bytes(32)) + number(2, 1 << 63) + number(3, 0xFFFFFFFF)),
            envelope(COUNTERSIGN, blob(1, bytes(32)) + blob(2, bytes(64))), envelope(REPORT, number(1, 1)),
            envelope(34, blob(1, bytes(99))), envelope(63, b"?"), envelope(HEARTBEAT, b"", version=2)]
    for index in range(20_000):
        data = bytearray(stage.random.choice(good))
        for _ in range(stage.random.randint(0, 4)):
            place = stage.random.randrange(len(data))
            data[place] = stage.random.choice((0, 0x7F, 0x80, 0xFF, stage.random.randrange(256)))
        if index % 7 == 0:
            data = data[:stage.random.randrange(len(data))]
        peer.send(*[bytes(data)] * stage.random.choice((1, 1, 1, 2, 5)))
        if index % 100 == 0:
            peer.listen(0.002)
    peer.listen(2)
    peer.close()
    assert peer.refused
    return {"sent": peer.sent, "refused": sum(peer.refused.values())}


def oversized(stage):
    peer = Peer(stage, *enrol(stage, "oversized"))
    assert peer.open()
    peer.send(bytes(65 * 1024))
    peer.send(envelope(CHUNK, number(1, 1)), bytes((1 << 20) + 1))
    assert peer.listen(10, lambda kind: kind == REFUSED)
    for _ in range(30):  # Each costs the connection; ZeroMQ makes the next one.
        peer.send(bytes(32 << 20))
        peer.listen(0.2)
    peer.close()
    return {"sent": peer.sent, "refused": sum(peer.refused.values())}


def updates(stage):
    """Updates that are NaN, of a wrong shape, for a wrong round, out of order, under foreign leases, twice."""
    peer = Peer(stage, *enrol(stage, "updates"))
    offers = 0
    assert peer.open()
    end = time.monotonic() + 25
    while time.monotonic() < end and offers < 6:
        if not peer.listen(4, lambda kind: kind == OFFER):
            continue
        offers += 1
        nan = struct.pack("<f", float("nan")) * (stage.update_bytes // 4)
        digest = hashlib.sha256(nan).digest()
        place = {"round": peer.round, "attempt": peer.attempt}
        begin = number(1, peer.lease) + blob(2, digest) + number(3, len(nan)) + blob(4, b"dense")
        commit = number(1, peer.lease) + blob(2, digest) + number(3, 10) + number(4, 3) + number(5, 9)
        peer.send(envelope(ACCEPT, number(1, peer.lease), **place))
        peer.send(envelope(COMMIT, commit, **place))  # Before anything came.
        peer.send(envelope(BEGIN, number(1, peer.lease ^ 1) + begin[1 + len(varint(peer.lease)):], **place))
        for size in (0, 3, 1 << 39, (1 << 64) - 1):
            peer.send(envelope(BEGIN, number(1, peer.lease) + blob(2, digest) + number(3, size) + blob(4, b"dense")))
        for name in (b"eden:bits=4", b"dense:x=1", b"nothing"):
            peer.send(envelope(BEGIN, number(1, peer.lease) + blob(2, digest) + number(3, 9) + blob(4, name)))
        peer.send(envelope(BEGIN, begin, round=9_999, attempt=77))
        for offset in (1 << 63, len(nan) - 1, 4, 0, 0, len(nan) // 2, 1):
            peer.send(envelope(CHUNK, number(1, peer.lease) + number(2, offset), **place), nan[:1 << 16])
        sent = 0
        while sent < len(nan):
            peer.send(envelope(CHUNK, number(1, peer.lease) + number(2, sent), **place), nan[sent:sent + (1 << 16)])
            sent += 1 << 16
        for _ in range(5):  # Replayed.
            peer.send(envelope(COMMIT, commit, **place))
        if len(nan) <= 1 << 20:
            peer.send(envelope(WHOLE, commit, **place), nan)
        peer.send(envelope(REPORT, number(1, peer.lease) + number(2, 1 << 62), **place))
        peer.listen(1)
        peer.open()
    peer.close()
    assert offers and not peer.acks[3], "an update of NaN was taken" if offers else "no task was offered"
    return {"offers": offers, "sent": peer.sent, "refused": sum(peer.refused.values()), "rejected": peer.acks[4]}


def never_ending(stage):
    """Takes tasks and says for ever that it trains, faster than anybody may talk."""
    peer = Peer(stage, *enrol(stage, "endless"))
    assert peer.open()
    end = time.monotonic() + 15
    while time.monotonic() < end:
        for _ in range(500):
            peer.send(envelope(HEARTBEAT, number(1, 3) + number(2, peer.lease or 7) + number(3, 1)))
        peer.listen(0.01)
    peer.close()
    return {"sent": peer.sent, "refused": sum(peer.refused.values())}


def slow(stage):
    """Connections that say nothing, or a byte now and then; as many as the machine gives."""
    open_sockets = []
    for index in range(stage.connections):
        try:
            raw = socket.create_connection(stage.address, timeout=2)
            raw.sendall(b"\xff\0\0\0\0\0\0\0\1\x7f\3"[:1 + index % 11])
            open_sockets.append(raw)
        except OSError:
            break
    held = len(open_sockets)
    for _ in range(5):
        for raw in open_sockets[::7]:
            try:
                raw.send(b"\0")
            except OSError:
                pass
        time.sleep(1)
    latecomer = Peer(stage, *enrol(stage, "latecomer"))
    assert latecomer.open(), "nobody gets in beside the silent connections"
    latecomer.close()
    for raw in open_sockets:
        raw.close()
    return {"connections held": held}


def never_read(stage):
    """Asks for the adapter again and again and reads nothing."""
    peer = Peer(stage, *enrol(stage, "deaf"))
    peer.socket.setsockopt(zmq.RCVHWM, 1)
    peer.open()
    peer.listen(6, lambda kind: kind == OFFER)
    for _ in range(5_000):
        peer.send(envelope(REQUEST, blob(1, peer.adapter or bytes(32)) + number(3, 0xFFFFFFFF)))
    time.sleep(3)
    peer.close()
    return {"requests": peer.sent}


def endless(stage):
    """One message of more bytes than the coordinator may hold, in parts that are each small enough."""
    peer = Peer(stage, *enrol(stage, "parts"))
    assert peer.open()
    part, starts, most = bytes(1 << 20), stage.starts, 0
    for _ in range(DATA_LIMIT_MIB + 200):
        peer.socket.send(part, zmq.SNDMORE)
    peer.socket.send(b"")  # ZeroMQ sends a message's parts once it has the last one.
    end = time.monotonic() + 25
    while time.monotonic() < end and stage.starts == starts:
        most = max(most, stage.note_peak())
        time.sleep(0.05)
    peer.close()
    return {"sent MiB": DATA_LIMIT_MIB + 200, "peak MiB": most, "restarts": stage.starts - starts}


ATTACKS = [no_key, revoked, malformed, oversized, updates, never_ending, slow, never_read]


# --- the federation
class Stage:
    def __init__(self, options):
        self.program = os.path.abspath(options.program)
        self.connections = options.connections
        self.random, self.context = random.Random(options.seed), zmq.Context()
        self.folder = tempfile.mkdtemp(prefix="shoal-hostile-")
        self.state = self.folder + "/coordinator"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = probe.getsockname()
        self.endpoint = "tcp://%s:%d" % self.address
        self.starts, self.peak, self.is_over, self.outcome = 0, 0, False, None
        self.processes, self.coordinator, self.refusals = [], None, {}
        with open(self.folder + "/run.yaml", "w") as file:
            file.write(f"""model: built-in
data: {{path: built-in, partition: worker}}
adapter: {{rank: 4, alpha: 8, targets: all-linear}}
training: {{local-steps: 2, batch-size: 4, sequence-length: 64, learning-rate: 0.003}}
federation: {{workers: 2, rounds: {ROUNDS}, workers-per-round: 2, minimum-workers: 1, deadline: 4s, seed: 1}}
evaluation: {{every: {ROUNDS}}}
limits: {{lease: 4s, heartbeat: 500ms}}
""")
        self.run("keys", "create", "--state", self.state)

    def run(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    def invite(self, name):
        path = f"{self.folder}/{name}.join"
        self.run("keys", "invite", "--state", self.state, "--name", name, "--endpoint", self.endpoint, "--out", path)
        return path

    def start(self):
        rows = collections.defaultdict(list)
        for line in open(ROOT + "/Sources/CBuiltIn/files/notes.jsonl"):
            rows[json.loads(line)["worker"]].append(line)
        names = list(rows)[:2]
        joins = [self.invite(name) for name in names]
        self.server_key = json.load(open(joins[0]))["coordinatorKey"].encode()
        threading.Thread(target=self.keep_coordinator, daemon=True).start()
        for name, join in zip(names, joins):
            data = f"{self.folder}/{name}.jsonl"
            with open(data, "w") as file:
                file.writelines(rows[name])
            self.processes.append(subprocess.Popen(
                [self.program, "worker", "--join", join, "--data", data, "--model", "built-in", "--threads", "1",
                 "--state", f"{self.folder}/{name}.state"], stderr=open(f"{self.folder}/{name}.log", "w")))

    def keep_coordinator(self):
        """Starts the coordinator, and again when it falls, as a service manager does."""
        limit = DATA_LIMIT_MIB << 20
        while not self.is_over and self.starts < 20:
            self.starts += 1
            self.coordinator = subprocess.Popen(
                [self.program, "coordinator", "--config", self.folder + "/run.yaml", "--state", self.state, "--bind",
                 self.endpoint, "--json", "--log-level", "info"],
                stdout=open(self.folder + "/coordinator.json", "a"), stderr=open(self.folder + "/coordinator.log", "a"),
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))
            self.outcome = self.coordinator.wait()
            if self.outcome in (0, 2, 130):
                return

    def note_peak(self):
        try:
            status = open(f"/proc/{self.coordinator.pid}/status").read()
            self.peak = int(status.split("VmHWM:")[1].split()[0]) >> 10
            standing = json.load(open(self.state + "/standing.json"))
            self.refusals = standing.get("refusals", {})
        except (AttributeError, OSError, IndexError, ValueError):  # Not there now, or between two processes.
            pass
        return self.peak

    def published(self):
        path = self.folder + "/coordinator.json"
        lines = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
        return [line["round"] for line in lines if line["event"] == "round"]

    def wait_round(self, count, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.outcome not in (0, 2, 130):
            self.note_peak()
            if len(self.published()) >= count:
                return True
            time.sleep(0.5)
        return False

    def end(self):
        self.is_over = True
        for process in self.processes + [self.coordinator]:
            if process is not None and process.poll() is None:
                process.kill()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="attacks by name; default: all")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # So that nothing is left running.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    options.connections = min(options.connections, hard - 500)
    stage = Stage(options)
    failures = []

    def expect(holds, what):
        print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)
        if not holds:
            failures.append(what)

    try:
        stage.start()
        assert stage.wait_round(1, 120), "no round was published: " + open(stage.folder + "/coordinator.log").read()
        stage.update_bytes = 4 * int(sum_of_values(stage.state + "/adapter/adapter_model.safetensors"))
        for attack in ATTACKS + [endless]:
            if options.only and attack.__name__ not in options.only:
                continue
            began, starts = time.monotonic(), stage.starts
            try:
                result = attack(stage)
                expect(True, f"{attack.__name__}: {result}, {time.monotonic() - began:.1f} s, peak {stage.note_peak()} MiB")
            except AssertionError as problem:
                expect(False, f"{attack.__name__}: {problem}")
            if attack is not endless:
                expect(stage.starts == starts, "the coordinator stayed up")
                expect(stage.peak < PEAK_MIB, f"its peak is {stage.peak} MiB of {PEAK_MIB}")
        refusals = dict(stage.refusals)
        attacked = len(stage.published())
        expect(stage.wait_round(attacked + 5, 120), f"{attacked} rounds published under attack, and more after it")
        stage.run("run", "stop", stage.state)
        for process in stage.processes:
            try:
                expect(process.wait(60) == 0, "an honest worker finished")
            except subprocess.TimeoutExpired:
                expect(False, "an honest worker finished")
        rounds = stage.published()
        expect(len(set(rounds)) == len(rounds), "no round was published twice")
        stage.coordinator.wait(60)
        time.sleep(0.5)  # Until the thread that keeps it has seen the end.
        expect(stage.outcome == 0, f"the coordinator ended with {stage.outcome}, started {stage.starts} times")
        verified = stage.run("run", "verify", stage.state, "--json").strip()
        expect(True, f"the records are sound: {verified[:160]}")
        log = open(stage.folder + "/coordinator.log").read()
        unknown = log.count("refused a connection with an unknown key")
        told = sum(1 for line in log.splitlines() if line.startswith("refused ") and " from " in line)
        expect(bool(refusals) and told > 0 and unknown > 0,
               f"refusals counted: {refusals}; {told} lines told of them, {unknown} of unknown keys")
    finally:
        stage.end()
    if failures:
        print(f"{len(failures)} failures; all logs in {stage.folder}")
        return 1
    shutil.rmtree(stage.folder)
    return 0


def sum_of_values(path):
    """Values in a safetensors file."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    total = 0
    for name, tensor in header.items():
        if name != "__metadata__":
            size = 1
            for side in tensor["shape"]:
                size *= side
            total += size
    return total


if __name__ == "__main__":
    sys.exit(main())
