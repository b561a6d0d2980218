// State, cause and remedy first; then key figures, bytes, the privacy budget and events.

/** What the page says of the run: `[tone, badge, headline, cause, remedy]`. */
function standing(run, end, lostSince) {
  if (end?.outcome === "failed") {
    const [cause, remedy] = parts(end.cause);
    return ["bad", "Failed", "The coordinator has ended", cause, remedy];
  }
  if (end?.outcome === "interrupted") {
    return ["warn", "Interrupted", "The coordinator was stopped", null,
      "the state is kept: start it again with the same --config and --state"];
  }
  if (end === null && lostSince !== null && (run === null || run.state === "running" || run.state === "paused")) {
    return ["bad", "No answer", `The coordinator has not answered since ${format.clock(lostSince)}`,
      null,
      "see whether its process runs and what its log says; this page tries again by itself"];
  }
  if (run === null) return ["calm", "Starting", "The coordinator is starting", null, null];
  const progress = run.rounds === undefined ? `${run.publishedRounds}` : `${run.publishedRounds} of ${run.rounds}`;
  if (run.state === "finished" || (end?.outcome === "finished" && run.state !== "stopped")) {
    return ["good", "Finished", `All ${run.publishedRounds} rounds are published`, null,
      "take the adapter from STATE/adapter, or in one piece with shoal run export STATE --out DIR"];
  }
  if (run.state === "stopped") {
    return ["calm", "Stopped", `Ended by its owner after ${run.publishedRounds} rounds`, null, null];
  }
  if (run.state === "paused") {
    const [cause, remedy] = parts(run.pauseCause ?? null);
    return cause === null
      ? ["warn", "Paused", `Paused by its owner after ${progress} rounds`, null, "press Resume to go on; nothing was lost"]
      : ["bad", "Paused", `The run paused by itself after ${progress} rounds`, cause,
        remedy ?? "once that is mended, press Resume; the adapter of the last published round is kept"];
  }
  const [cause, remedy] = parts(run.waitingFor ?? null);
  const open = run.openRound;
  const opened = open === undefined ? `${progress} rounds are published` : `Round ${open.round}`
    + (run.rounds === undefined ? "" : ` of ${run.rounds}`) + (open.attempt > 1 ? `, attempt ${open.attempt},` : "")
    + (open.updates === undefined || !open.workersAsked ? " is open"
      : `: ${format.count(open.updates)} of ${format.count(open.workersAsked)} updates are here`);
  if (run.isStuck) return ["warn", "Stuck", opened, cause, remedy ?? lateRemedy(run)];
  if (cause !== null && open === undefined) return ["calm", "Waiting", opened, cause, remedy];
  return ["calm", "Running", opened, null, null];
}

/** A sentence and what to do about it, which our sentences put after a semicolon (but for "its deadline has passed"). */
function parts(sentence) {
  if (sentence === null || sentence === undefined) return [null, null];
  const cut = sentence.indexOf("; ");
  return cut < 0 || sentence.startsWith("its ", cut + 2) ? [sentence, null] : [sentence.slice(0, cut), sentence.slice(cut + 2)];
}

function lateRemedy(run) {
  return run.lateCount ? "look at these workers and their logs; one that does not come back holds up nobody once others are there" : null;
}

function showStatus(run, end, lostSince) {
  const [tone, badge, headline, cause, remedy] = standing(run, end, lostSince);
  $("status").dataset.tone = tone;
  say("state", badge);
  say("headline", headline);
  say("cause", cause ?? "");
  show("cause", cause !== null);
  say("remedy", remedy ?? "");
  show("remedy", remedy !== null && remedy !== undefined);
  const late = run === null || end !== null || lostSince !== null || run.state !== "running" ? [] : run.late;
  const more = (run?.lateCount ?? 0) - late.length;
  show("late-box", late.length > 0);
  // While the run goes on in spite of them the list stays shut; whoever opens it keeps it open.
  const isStuck = run?.isStuck === true;
  if ($("late-box").dataset.stuck !== String(isStuck)) {
    $("late-box").dataset.stuck = String(isStuck);
    $("late-box").open = isStuck;
  }
  say("late-title", `Late: ${format.count(run?.lateCount ?? 0)} ${run?.lateCount === 1 ? "worker" : "workers"}`);
  $("late").replaceChildren(...late.slice(0, 9).map((one) =>
    element("li", {}, element("b", {}, one.worker), one.reason)),
    ...(more + late.length > 9 ? [element("li", { className: "quiet" }, `and ${format.count(more + late.length - 9)} more`)] : []));
  const isLive = end === null && lostSince === null && run !== null;
  show("resume", isLive && run.state === "paused");
  show("pause", isLive && run.state === "running");
  show("stop", isLive && (run.state === "running" || run.state === "paused"));
  show("secret", run?.participationIsSecret === true);
  const name = run === null ? "" : `${badge} ${run.publishedRounds}/${run.rounds ?? "?"} · `;
  document.title = `${name}Shoal`;
}

/** What counts up by itself: told once a second, outside of what a screen reader reads out. */
function showTimes(run, end, lostSince) {
  const isWaiting = run?.waitingSince !== undefined && end === null && lostSince === null;
  const pieces = [];
  if (isWaiting) {
    const word = run.state === "paused" ? "paused for" : run.isStuck ? "without progress for"
      : run.openRound === undefined ? "waiting for" : "last progress";
    const ago = format.ago(service.secondsSince(run.waitingSince));
    pieces.push(word === "last progress" ? `last progress ${ago} ago` : `${word} ${ago}, since ${format.clock(run.waitingSince)}`);
  }
  if (run?.roundSeconds !== undefined && run.state === "running" && end === null && lostSince === null) {
    pieces.push(`a round takes ${format.duration(run.roundSeconds)}`);
    if (run.secondsLeft && !run.isStuck) pieces.push(`about ${format.duration(run.secondsLeft)} to the end`);
  }
  if (lostSince !== null && run !== null && (end !== null || run.state === "running" || run.state === "paused")) {
    pieces.push(`${end === null ? "last heard" : "ended"} at ${format.clock(lostSince)}: what stands below is what it said last`);
  }
  say("since", pieces.join(" · "));
}

function tile(title, figure, small, note, share, tone = "") {
  return element("div", { className: "tile" }, element("h3", {}, title),
    element("p", { className: "figure" }, figure, small ? element("small", {}, ` ${small}`) : null),
    share === null ? null : bar(share, tone, title), note ? element("p", { className: "note" }, note) : null);
}

/** `saved`: dense bytes by those that were sent; a twentieth is as much. */
function againstDense(saved) {
  const factor = Math.max(saved, 1 / saved);
  if (factor < 1.05) return "about as much as dense";
  return `${factor.toFixed(factor < 1.1 ? 2 : factor < 10 ? 1 : 0)} times ${saved > 1 ? "less" : "more"} than dense`;
}

function bar(share, tone, label) {
  const inside = element("i");
  inside.style.width = `${Math.min(100, Math.max(0, 100 * share)).toFixed(1)}%`;
  return element("div", { className: `bar ${tone}`, role: "progressbar", "aria-label": label, "aria-valuemin": "0",
    "aria-valuemax": "100", "aria-valuenow": String(Math.round(100 * share)) }, inside);
}

function showFigures(run, privacy) {
  const loss = run.loss ?? run.baseLoss;
  const change = run.loss !== undefined && run.baseLoss ? 100 * (run.loss / run.baseLoss - 1) : null;
  const saved = run.roundsUplinkBytes && run.denseUplinkBytes ? run.denseUplinkBytes / run.roundsUplinkBytes : null;
  const tiles = [
    tile("Rounds", format.count(run.publishedRounds), run.rounds === undefined ? "" : `of ${format.count(run.rounds)}`,
      run.rollbacks ? `${run.rollbacks} turned back by the gate` : "published", run.rounds ? run.publishedRounds / run.rounds : null),
    tile("Held-out loss", loss === undefined ? "–" : format.loss(loss), change === null ? "" : `${change.toFixed(1)} %`,
      loss === undefined ? "not evaluated" : run.loss === undefined ? "of the base model"
        : `after round ${run.lossRound}; base ${run.baseLoss === undefined ? "unknown" : format.loss(run.baseLoss)}`
          + (run.worstDecileLoss === undefined ? "" : `; worst decile of the workers ${format.loss(run.worstDecileLoss)}`), null),
    tile("Workers connected", format.count(run.workersConnected), `of ${format.count(run.workersEnrolled)}`,
      run.phases ? phaseText(run.phases) : "what they are at is secret",
      run.workersEnrolled ? run.workersConnected / run.workersEnrolled : 0),
  ];
  if (run.updates !== undefined) {
    const tokens = run.tokensTrained === undefined ? "tokens withheld" : `${format.short(run.tokensTrained)} tokens`;
    tiles.push(tile("Updates", format.count(run.updates), "", tokens
      + (run.declinedOffers ? `, ${format.count(run.declinedOffers)} offers declined` : ""), null));
  }
  if (saved !== null) {
    tiles.push(tile("Sent by workers", format.bytes(run.uplinkBytes), "",
      againstDense(saved), null));
  }
  if (privacy?.epsilon !== undefined) {
    tiles.push(tile("Epsilon spent", privacy.epsilonSpent.toFixed(3), `of ${privacy.epsilon}`,
      `${format.count(privacy.stepsLeft)} more rounds fit`, privacy.epsilonSpent / privacy.epsilon,
      privacy.epsilonSpent > 0.9 * privacy.epsilon ? "warn" : ""));
  }
  if (run.energyJoules !== undefined) {
    const told = run.energyIsMeasured ? "measured by the workers" : "an estimate, in whole or in part";
    const mark = run.energyIsMeasured ? "" : "≈ ";
    tiles.push(run.energyJoules < 3600 ? tile("Energy", mark + format.short(run.energyJoules), "joules", told, null)
      : tile("Energy", mark + format.short(run.energyJoules / 3600), "Wh",
        `${format.energy(run.energyJoules, true)}, ${told}`, null));
  }
  $("tiles").replaceChildren(...tiles);
  // A lease that ended while a message was on its way is the normal course.
  const refused = Object.entries(run.refusedMessages).filter(([kind]) => kind !== "unknown-lease");
  say("which", [run.model, run.strategy, run.uplinkCodec && `updates ${run.uplinkCodec}`].filter(Boolean).join(" · "));
  say("foot", `run ${run.run} · coordinator ${run.software}`
    + (refused.length ? ` · refused messages: ${refused.map(([kind, count]) => `${kind} ${format.count(count)}`).join(", ")}` : ""));
}

function phaseText(phases) {
  const order = ["training", "waiting", "uploading", "evaluating", "downloading", "idle"];
  const words = { waiting: "waiting for a training slot" };
  const text = order.filter((phase) => phases[phase])
    .map((phase) => `${format.count(phases[phase])} ${words[phase] ?? phase}`).join(", ");
  return text || "none is connected";
}

function showBytes(run) {
  const box = $("bytes");
  if (run.participationIsSecret) {
    return box.replaceChildren(element("p", { className: "empty" }, "Byte totals would tell how many took part."));
  }
  // All as of the newest round: what came since then has nothing to be held against yet.
  const rows = [["up: what workers sent", run.roundsUplinkBytes ?? 0, ""],
    ["down: what they were sent", run.roundsDownlinkBytes ?? 0, ""],
    ["dense: as many adapters in plain float32, one way", run.denseUplinkBytes ?? 0, "base"]];
  const most = Math.max(1, ...rows.map((row) => row[1]));
  box.replaceChildren(...rows.map(([label, bytes, tone]) => element("div", { className: "measure" },
    element("div", { className: "label" }, element("span", {}, label), element("b", {}, format.bytes(bytes))),
    bar(bytes / most, tone, label))));
}

function showPrivacy(privacy) {
  const box = $("privacy");
  if (privacy === null) return;
  if (privacy.epsilon === undefined) {
    return box.replaceChildren(element("p", { className: "empty" }, "This run has no differential privacy."));
  }
  const spent = privacy.epsilonSpent / privacy.epsilon;
  const facts = [["mechanism", privacy.mechanism + (privacy.isSeeded ? " (a simulation: seeded noise protects nobody)" : "")],
    ["delta", privacy.delta < 1e-3 ? privacy.delta.toExponential() : String(privacy.delta)], ["noise multiplier", String(Number(privacy.noiseMultiplier.toPrecision(4)))],
    ["clip", String(Number(privacy.clip.toPrecision(4)))],
    ["releases", `${format.count(privacy.steps)}` + (privacy.unreleased ? `, of them ${privacy.unreleased} never published` : "")],
    ["more that fit", format.count(privacy.stepsLeft)]];
  box.replaceChildren(element("div", { className: "measure" },
    element("div", { className: "label" }, element("span", {}, "epsilon spent by whoever paid most"),
      element("b", {}, `${privacy.epsilonSpent.toFixed(3)} of ${privacy.epsilon}`)),
    bar(spent, spent > 0.9 ? "warn" : "", "epsilon spent")),
    element("dl", { className: "facts" }, ...facts.flatMap(([name, value]) =>
      [element("dt", {}, name), element("dd", {}, value)])));
}

const eventTones = { "rolled-back": "bad", refused: "warn", declined: "warn", lost: "warn", paused: "warn", stopped: "warn",
  attacked: "bad", finished: "good", published: "good", resumed: "good" };

function showEvents(events) {
  show("events-empty", events.length === 0);
  $("events").replaceChildren(...events.slice().reverse().map((event) => element("li", {},
    element("time", { dateTime: event.at }, format.clock(event.at)),
    element("span", { className: "kind", "data-tone": eventTones[event.kind] ?? "" }, event.kind),
    element("span", { className: "detail" }, event.worker ? element("b", {}, `${event.worker}: `) : null, event.detail))));
}

function showRounds(rounds, rollbacks) {
  const newest = rounds.slice(-30).reverse();
  const columns = [["Round", (round) => String(round.round)], ["Held-out", (round) => round.loss && format.loss(round.loss)],
    ["Worst decile", (round) => round.worstDecileLoss && format.loss(round.worstDecileLoss)],
    ["Train", (round) => round.trainLoss && format.loss(round.trainLoss)],
    ["Workers", (round) => round.workers && format.count(round.workers)], ["Time", (round) => format.duration(round.seconds)],
    ["Energy", (round) => round.energyJoules !== undefined && format.energy(round.energyJoules, round.energyIsMeasured)],
    ["Up, in all", (round) => round.uplinkBytes && format.bytes(round.uplinkBytes)],
    ["Gate", (round) => rollbacks.some((one) => one.round === round.round) ? `attempt ${round.attempt}` : "passed"]]
    .filter(([name, cell]) => name === "Gate" ? rollbacks.length : newest.some(cell));
  $("rounds").replaceChildren(
    element("thead", {}, element("tr", {}, ...columns.map(([name]) => element("th", { scope: "col", className: "number" }, name)))),
    element("tbody", {}, ...newest.map((round) => element("tr", {}, ...columns.map(([name, cell]) =>
      name === "Round" ? element("th", { scope: "row", className: "number" }, cell(round))
        : element("td", { className: "number" }, cell(round) || "–"))))));
}

/** The runs of the state directory, where there is more than this one. */
function showRuns(runs) {
  show("runs-card", runs.length > 1);
  if (runs.length < 2) return;
  const columns = [["Run", (run) => run.run], ["State", (run) => run.state + (run.isCurrent ? ", shown here" : "")],
    ["Began", (run) => run.began && format.clock(run.began)],
    ["Newest adapter", (run) => run.published && format.clock(run.published)],
    ["Rounds", (run) => format.count(run.publishedRounds) + (run.rounds === undefined ? "" : ` of ${format.count(run.rounds)}`), "number"],
    ["Held-out loss", (run) => run.loss && format.loss(run.loss)
      + (run.baseLoss === undefined ? "" : `, base ${format.loss(run.baseLoss)}`), "number"],
    ["Updates", (run) => run.updates === undefined ? null : format.count(run.updates), "number"]];
  $("runs").replaceChildren(
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...columns.map(([name, , kind]) =>
      element("th", { scope: "col", role: "columnheader", className: kind ?? "" }, name)))),
    element("tbody", { role: "rowgroup" }, ...runs.map((run) => element("tr", { role: "row" }, ...columns.map(([name, cell, kind]) =>
      name === "Run" ? element("th", { scope: "row", role: "rowheader" }, cell(run))
        : element("td", { role: "cell", className: kind ?? "", "data-label": name }, cell(run) || "–"))))));
}
