#!/usr/bin/env python3
"""Checks `shoal serve` with the `openai` Python client, on one machine.

usage: check_serve.py SHOAL [MODEL_DIR]   (default model: built-in)
needs: pip install openai

Trains two small adapters (`shoal simulate`, three rounds), serves them over one base model and asks, streaming and not,
for chats and texts; compares texts with `shoal generate`; checks stop strings, probabilities, errors, the bearer token,
a full queue, a client that leaves, fairness between a long and a short answer, and forwarding to a second server.
Prints the private memory of a server with one adapter and with two.
"""
import atexit, concurrent.futures, os, pathlib, re, subprocess, sys, tempfile, threading, time

import openai

MODEL = sys.argv[2] if len(sys.argv) > 2 else "built-in"
PROMPT = "Patient reports"
TOKENS = 24


def check(truth, what):
    if not truth:
        sys.exit(f"FAILED: {what}")
    print(f"  ok  {what}", flush=True)


class Server:
    """A running `shoal serve` on a port that the system chose."""

    def __init__(self, shoal, log, *arguments, key="none"):
        self.log = log
        with open(log, "w") as stream:
            self.process = subprocess.Popen(
                [shoal, "serve", "--model", MODEL, "--listen", "127.0.0.1:0", "--log-level", "info", *arguments],
                stderr=stream)
        atexit.register(self.process.kill)
        while not (found := re.search(r"^serves +(\S+)", self.text(), re.M)):
            if self.process.poll() is not None:
                sys.exit(f"shoal serve ended:\n{self.text()}")
            time.sleep(0.05)
        self.url = found[1]
        self.client = openai.OpenAI(base_url=self.url, api_key=key, max_retries=0)

    def text(self):
        return pathlib.Path(self.log).read_text()

    def private(self):
        """Memory that the process shares with nobody, in KiB."""
        rows = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return sum(int(count) for count in re.findall(r"^Private_(?:Clean|Dirty): +(\d+) kB", rows, re.M))

    def text_of(self, model, stream=False, **options):
        asked = dict(model=model, prompt=PROMPT, temperature=0, max_tokens=TOKENS) | options
        if not stream:
            return self.client.completions.create(**asked).choices[0].text
        pieces = self.client.completions.create(stream=True, **asked)
        return "".join(piece.choices[0].text for piece in pieces if piece.choices)

    def chat(self, model, **options):
        return self.client.chat.completions.create(
            **dict(model=model, messages=[{"role": "user", "content": PROMPT}], temperature=0, max_tokens=TOKENS) | options)

    def stop(self):
        self.process.terminate()
        check(self.process.wait(10) == 130, "a server that is asked to stop stops")


def generated(shoal, adapter):
    arguments = ["--adapter", adapter] if adapter else []
    made = subprocess.run(
        [shoal, "generate", "--model", MODEL, "--prompt", PROMPT, "--max-tokens", str(TOKENS), *arguments],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    return made[len(PROMPT):-1]


def check_answers(shoal, server, adapters):
    names = [model.id for model in server.client.models.list()]
    base = names[0]
    check(names[1:] == list(adapters), f"models are listed: {names}")
    texts = {}
    for name, adapter in {base: None, **adapters}.items():
        texts[name] = server.text_of(name)
        check(texts[name] == generated(shoal, adapter), f"{name}: the text of shoal generate")
        check(server.text_of(name, stream=True) == texts[name], f"{name}: the same as a stream")
        whole = server.chat(name)
        pieces = list(server.chat(name, stream=True, stream_options={"include_usage": True}))
        streamed = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
        check(streamed == whole.choices[0].message.content, f"{name}: a chat, streaming and not")
        check(pieces[-1].usage == whole.usage and whole.usage.completion_tokens > 0, f"{name}: token counts {whole.usage}")
    check(len(set(texts.values())) == len(texts), "each model has a text of its own")
    drawn = [server.text_of(base, temperature=1, seed=seed) for seed in (1, 1, 2)]
    check(drawn[0] == drawn[1] != drawn[2], "a seed repeats its text")
    return base, texts


def check_details(server, base, text):
    stop = text[6:10]
    answer = server.client.completions.create(
        model=base, prompt=PROMPT, temperature=0, max_tokens=TOKENS, stop=[stop, "never seen"])
    check(answer.choices[0].text == text[:text.index(stop)], f"a stop string ends the text before {stop!r}")
    check(answer.choices[0].finish_reason == "stop", "and is the reason given")
    answer = server.chat(base, max_tokens=3, logprobs=True, top_logprobs=2)
    tokens = answer.choices[0].logprobs.content
    check(answer.choices[0].finish_reason == "length" and len(tokens) == 3, "three tokens are three tokens")
    check(all(token.top_logprobs[0].logprob == token.logprob <= 0 for token in tokens), "greedy takes the likeliest")
    parts = [{"type": "text", "text": PROMPT[:4]}, {"type": "text", "text": PROMPT[4:]}]
    whole, cut = (server.chat(base, messages=[{"role": "user", "content": content}]) for content in (PROMPT, parts))
    check(whole.choices[0].message == cut.choices[0].message, "text parts are one text")


def refused(kind, parameter, ask):
    try:
        ask()
    except kind as error:
        check(error.param == parameter, f"{kind.__name__} for {parameter}: {error.message}")
    else:
        sys.exit(f"FAILED: no {kind.__name__} for {parameter}")


def check_errors(server, base):
    refused(openai.NotFoundError, "model", lambda: server.text_of("nobody"))
    refused(openai.BadRequestError, "temperature", lambda: server.text_of(base, temperature=9))
    refused(openai.BadRequestError, "messages[0].role", lambda: server.chat(base, messages=[{"role": "x", "content": ""}]))
    refused(openai.BadRequestError, "prompt", lambda: server.text_of(base, max_tokens=10**6))
    refused(openai.BadRequestError, "n", lambda: server.text_of(base, n=3))


def check_sharing(shoal, folder):
    server = Server(shoal, folder / "sharing.log", "--parallel", "2", "--queue", "64")
    long = dict(model="base", prompt=PROMPT, temperature=0, max_tokens=450)

    def race():
        """How many pieces of a long answer were there when a short one was, and how many it had in the end."""
        pieces, first = [], threading.Event()

        def read():
            for piece in server.client.completions.create(stream=True, **long):
                pieces.append(piece)
                first.set()

        reader = threading.Thread(target=read)
        reader.start()
        first.wait()
        server.text_of("base", max_tokens=2)
        seen = len(pieces)
        reader.join()
        return seen, len(pieces)

    # On a busy machine this client may be asleep while the server has long answered.
    seen, all_of_them = min((race() for _ in range(8)), key=lambda one: one[0] / one[1])
    check(seen < all_of_them, f"a short answer comes before a long one ends: after {seen} of its {all_of_them} pieces")
    for stream in [server.client.completions.create(stream=True, **long) for _ in range(24)]:
        stream.close()
    until = time.monotonic() + 60
    while "the client left" not in server.text():
        if time.monotonic() > until:
            sys.exit(f"FAILED: nobody noticed that clients left:\n{server.text()}")
        time.sleep(0.05)
    check(server.text_of("base", max_tokens=1) is not None, "clients that leave end their answers")
    server.stop()

    server = Server(shoal, folder / "full.log", "--parallel", "1", "--queue", "1")

    def ask(_):
        try:
            return server.client.completions.create(**long).usage.completion_tokens > 0
        except openai.RateLimitError as error:
            return error.response.headers["retry-after"]

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, range(24)))
    check(True in answers and "1" in answers, f"{answers.count(True)} of 24 at once answered, the others told to retry")
    server.stop()


def check_token(shoal, folder):
    path = folder / "token"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    path.chmod(0o600)
    server = Server(shoal, folder / "token.log", "--token-file", path, key=path.read_text().strip())
    check(len(list(server.client.models.list())) == 1, "with the token")
    stranger = openai.OpenAI(base_url=server.url, api_key="wrong", max_retries=0)
    refused(openai.AuthenticationError, None, lambda: stranger.models.list())
    server.stop()


def check_routing(shoal, folder, behind, expected, local):
    for least, by, text in [("1.0", "remote", expected), ("0.0", "local", local)]:
        front = Server(
            shoal, folder / f"front-{by}.log", "--route-url", behind.url, "--route-model", "late", "--route-confidence",
            least)
        check("LEAVE THIS MACHINE" in front.text(), "the server says that prompts leave this machine")
        asked = dict(model="base", prompt=PROMPT, temperature=0, max_tokens=TOKENS)
        raw = front.client.completions.with_raw_response.create(**asked)
        answer = raw.parse()
        check(raw.headers["x-shoal-route"] == by and answer.choices[0].text == text, f"below {least}: the {by} text")
        note = answer.model_extra["shoal"]
        check(note["served_by"] == by and 0 < note["confidence"] < 1, f"and says so: {note}")
        check(front.text_of("base", stream=True) == text, "the same as a stream")
        kept = front.text_of("base", extra_headers={"x-shoal-route": "local"})
        check(kept == local, "a request that must stay here does")
        check(("served-by=remote" in front.text()) == (by == "remote"), "the log says who answered")
        front.stop()


def memory(shoal, folder, adapters):
    used = []
    for count in (1, 2):
        chosen = dict(list(adapters.items())[:count])
        server = Server(
            shoal, folder / f"memory-{count}.log", *(f"--adapter={name}={path}" for name, path in chosen.items()))
        for _ in range(3):
            for name in ("base", *chosen):
                server.text_of(name)
        used.append(server.private())
        server.stop()
    size = os.path.getsize(f"{adapters['late']}/adapter_model.safetensors") / 1024
    print(f"private memory: one adapter {used[0]} KiB, two {used[1]} KiB (an adapter's file: {size:.0f} KiB)")


def main():
    shoal = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model = [] if MODEL == "built-in" else ["--model", MODEL]
        subprocess.run(
            [shoal, "simulate", "--state", folder / "run", "--set", "federation.rounds=3", *model], check=True,
            stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        adapters = {"early": f"{folder}/run/adapters/0001", "late": f"{folder}/run/adapter"}
        server = Server(
            shoal, folder / "server.log", *(f"--adapter={name}={path}" for name, path in adapters.items()))
        base, texts = check_answers(shoal, server, adapters)
        check_details(server, base, texts[base])
        check_errors(server, base)
        check_routing(shoal, folder, server, texts["late"], texts[base])
        server.stop()
        check_sharing(shoal, folder)
        check_token(shoal, folder)
        memory(shoal, folder, adapters)
    print("everything agrees")


main()
