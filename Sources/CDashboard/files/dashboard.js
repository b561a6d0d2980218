// What the page knows, and what happens when it changes.

const known = { run: null, privacy: null, rounds: new Map(), rollbacks: [], end: null, lostSince: null };

function showAll() {
  show("board", true);
  showStatus(known.run, known.end, known.lostSince);
  showTimes(known.run, known.end, known.lostSince);
  if (known.run === null) return;
  showFigures(known.run, known.privacy);
  showBytes(known.run);
}

function showLoss() {
  chart.rounds = [...known.rounds.values()].sort((left, right) => left.round - right.round);
  chart.rollbacks = known.rollbacks;
  chart.draw();
  showRounds(chart.rounds, known.rollbacks);
}

async function takeRounds(answer) {
  for (const round of answer.rounds) known.rounds.set(round.round, round);
  known.rollbacks = answer.rollbacks;
  [chart.base, chart.baseWorst] = [answer.baseLoss ?? null, answer.baseWorstDecileLoss ?? null];
  // The stream tells the newest alone: what lies before is asked for, a page at a time.
  while (known.rounds.size < answer.publishedRounds) {
    let after = 0;
    while (known.rounds.has(after + 1)) after += 1;
    const earlier = await service.get("/api/v1/rounds", { after });
    if (earlier.rounds.length === 0) break;
    for (const round of earlier.rounds) known.rounds.set(round.round, round);
  }
  showLoss();
}

async function takeEvents(answer) {
  // The stream tells the newest alone, and some are told again as they add up.
  const isWhole = answer.events.length < 20;
  showEvents(isWhole ? answer.events : (await service.get("/api/v1/events", { limit: 200 })).events);
}

async function takeRuns() { showRuns((await service.get("/api/v1/runs")).runs); }

async function takePrivacy() {
  known.privacy = await service.get("/api/v1/privacy");
  showPrivacy(known.privacy);
}

const reactions = {
  async run(run) {
    service.clockOffset = Date.parse(run.now) - Date.now();
    const isOther = known.run === null || known.run.publishedRounds !== run.publishedRounds;
    // Another run at the same address: nothing of the earlier one may stand beside it.
    if (known.run !== null && known.run.run !== run.run) return location.reload();
    known.run = run;
    showAll();
    if (isOther) await Promise.all([takePrivacy().then(showAll), takeRuns()]);
  },
  rounds: takeRounds,
  events: takeEvents,
  fleet: () => fleet.refresh(),
  end(end) {
    known.end = end;
    known.lostSince = new Date().toISOString();
    link("ended", "the coordinator has ended");
    showAll();
  },
};

function link(state, text) {
  $("link").dataset.state = state;
  say("link-text", text);
}

/** Listens for as long as the page is open. */
async function follow() {
  for (let failures = 0; ; failures += 1) {
    try {
      await service.listen((name, value) => {
        if (failures !== 0 || known.lostSince !== null || known.end !== null) {
          [failures, known.lostSince] = [0, null];
          if (name !== "end") known.end = null;
        }
        link("live", "live");
        Promise.resolve(reactions[name]?.(value)).catch(trouble);
      });
    } catch (error) {
      if (error instanceof Unauthorized) return askForToken(service.token ? error.message : "");
    }
    known.lostSince ??= new Date().toISOString();
    known.end === null ? link("lost", "no connection") : link("ended", "the coordinator has ended");
    showAll();
    await new Promise((resume) => setTimeout(resume, Math.min(15000, 1000 * 2 ** Math.min(failures, 4))));
  }
}

function trouble(error) {
  if (error instanceof Unauthorized) return askForToken(error.message);
  link("lost", error.message);
}

function askForToken(problem) {
  service.token = null;
  show("board", false);
  show("token-panel", true);
  say("token-error", problem);
  link("lost", "needs a token");
  $("token").focus();
}

$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  service.token = $("token").value.trim();
  $("token").value = "";
  show("token-panel", false);
  follow();
});

// The run's owner
const questions = {
  pause: ["Pause the run?", "Tasks that workers are at are withdrawn and offered again after the pause. Nothing recorded is lost.", "Pause"],
  resume: ["Resume the run?", "The open round goes on with the updates it has.", "Resume"],
  stop: ["Stop the run for good?",
    "It ends before its last round and cannot be resumed. Its state and the adapter of the last published round are kept.",
    "Stop for good"],
};

for (const button of document.querySelectorAll("[data-request]")) {
  button.addEventListener("click", () => {
    const [title, text, yes] = questions[button.dataset.request];
    say("confirm-title", title);
    say("confirm-text", text);
    say("confirm-yes", yes);
    $("confirm-yes").className = button.dataset.request === "stop" ? "danger" : "primary";
    $("confirm").dataset.request = button.dataset.request;
    $("confirm").returnValue = "no";
    $("confirm").showModal();
  });
}

$("confirm").addEventListener("close", async () => {
  if ($("confirm").returnValue !== "yes") return;
  const request = $("confirm").dataset.request;
  say("answer", "asking …");
  try {
    const { changed } = await service.post(`/api/v1/run/${request}`);
    say("answer", changed ? "asked; the coordinator follows within about a second" : "that holds already");
  } catch (error) {
    if (error instanceof Unauthorized) return askForToken(error.message);
    say("answer", error.message);
  }
  setTimeout(() => say("answer", ""), 6000);
});

// Light and dark
const systemDark = matchMedia("(prefers-color-scheme: dark)");

function applyTheme() {
  const choice = localStorage.getItem("shoal-theme") ?? "auto";
  $("theme").value = choice;
  document.documentElement.dataset.theme = choice === "auto" ? (systemDark.matches ? "dark" : "light") : choice;
}

$("theme").addEventListener("change", () => {
  localStorage.setItem("shoal-theme", $("theme").value);
  applyTheme();
});
systemDark.addEventListener("change", applyTheme);
let resizing = 0;
addEventListener("resize", () => {
  cancelAnimationFrame(resizing);
  resizing = requestAnimationFrame(() => chart.draw());
});

applyTheme();
fleet.begin();
setInterval(() => {
  showTimes(known.run, known.end, known.lostSince);
  fleet.showTimes();
}, 1000);
// Signs of life come without any other change.
setInterval(() => { if (known.run !== null && known.lostSince === null) fleet.refresh().catch(trouble); }, 5000);
if (document.documentElement.dataset.needsToken === "yes" && !service.token) askForToken("");
else follow();
