// Loss per round: the held-out loss with its standard error, that of the workers it serves worst, the workers' training
// loss, the base model's, and what the quality gate turned back.

const chart = {
  rounds: [],
  rollbacks: [],
  base: null,
  baseWorst: null,

  draw() {
    const box = $("chart");
    const held = this.rounds.filter((round) => round.loss !== undefined);
    const worst = [...(this.baseWorst === null ? [] : [[0, this.baseWorst]]),
      ...held.filter((round) => round.worstDecileLoss !== undefined).map((round) => [round.round, round.worstDecileLoss])];
    const train = this.rounds.filter((round) => round.trainLoss !== undefined);
    const turned = this.rollbacks.filter((rollback) => rollback.loss !== undefined);
    if (held.length + train.length + turned.length === 0) {
      box.replaceChildren(element("p", { className: "empty" },
        this.rounds.length ? "No round was evaluated." : "The first round is not published yet."));
      this.legend([], [], [], []);
      say("chart-readout", "");
      return;
    }
    const width = Math.max(280, box.clientWidth);
    const height = Math.round(Math.min(320, Math.max(200, width * 0.34)));
    const place = { left: 46, right: width - 14, top: 12, bottom: height - 28 };
    const values = [...held.flatMap((round) => [round.loss, round.loss + (round.lossStandardError ?? 0)]),
      ...worst.map((point) => point[1]), ...train.map((round) => round.trainLoss), ...turned.map((rollback) => rollback.loss),
      ...(this.base === null ? [] : [this.base])];
    const ticks = steps(Math.min(...values), Math.max(...values), 5);
    const [low, high] = [ticks[0], ticks[ticks.length - 1]];
    const first = this.base === null ? 1 : 0;
    const last = Math.max(first + 1, ...this.rounds.map((round) => round.round), ...turned.map((rollback) => rollback.round));
    const x = (round) => place.left + (place.right - place.left) * (round - first) / (last - first);
    const y = (loss) => place.bottom - (place.bottom - place.top) * (loss - low) / (high - low);
    const svg = vector("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": this.summary(held, train) });

    for (const tick of ticks) {
      svg.append(vector("line", { class: "grid", x1: place.left, x2: place.right, y1: y(tick), y2: y(tick) }),
        vector("text", { x: place.left - 8, y: y(tick) + 4, "text-anchor": "end" }, tickText(tick, ticks)));
    }
    for (const tick of steps(first, last, Math.max(2, Math.floor(width / 110))).filter(
      (tick) => Number.isInteger(tick) && tick >= first && tick <= last)) {
      svg.append(vector("text", { x: x(tick), y: height - 8, "text-anchor": "middle" }, String(tick)));
    }
    if (width > 500) {
      svg.append(vector("text", { x: place.left - 8, y: height - 8, "text-anchor": "end" }, "round"));
    }
    if (this.base !== null) {
      svg.append(vector("line", { class: "mark-base", x1: place.left, x2: place.right, y1: y(this.base), y2: y(this.base) }));
    }
    if (held.length > 1) {
      const up = held.map((round) => `${x(round.round)},${y(round.loss + (round.lossStandardError ?? 0))}`);
      const down = held.map((round) => `${x(round.round)},${y(round.loss - (round.lossStandardError ?? 0))}`).reverse();
      svg.append(vector("polygon", { class: "mark-band", points: [...up, ...down].join(" ") }));
    }
    const line = (name, points) => {
      svg.append(vector("polyline", { class: name, points: points.map(([a, b]) => `${a},${b}`).join(" ") }));
      if (points.length <= 60) {
        for (const [a, b] of points) svg.append(vector("circle", { class: `${name}-dot`, cx: a, cy: b, r: 2.6 }));
      }
    };
    line("mark-train", train.map((round) => [x(round.round), y(round.trainLoss)]));
    if (worst.length) line("mark-worst", worst.map(([round, loss]) => [x(round), y(loss)]));
    const start = this.base === null ? [] : [[x(0), y(this.base)]];
    line("mark-held", [...start, ...held.map((round) => [x(round.round), y(round.loss)])]);
    for (const rollback of turned) {
      const [a, b] = [x(rollback.round), y(rollback.loss)];
      svg.append(vector("path", { class: "mark-rollback", d: `M${a - 5} ${b - 5}l10 10m0 -10l-10 10` }));
    }
    const cursor = vector("line", { class: "mark-cursor", y1: place.top, y2: place.bottom, visibility: "hidden" });
    svg.append(cursor);
    svg.addEventListener("pointermove", (event) => {
      const area = svg.getBoundingClientRect();
      const round = Math.round(first + (last - first) * ((event.clientX - area.left) * width / area.width - place.left)
        / (place.right - place.left));
      const told = this.rounds.find((one) => one.round === round);
      cursor.setAttribute("visibility", told ? "visible" : "hidden");
      if (!told) return;
      cursor.setAttribute("x1", x(round));
      cursor.setAttribute("x2", x(round));
      say("chart-readout", this.line(told));
    });
    svg.addEventListener("pointerleave", () => {
      cursor.setAttribute("visibility", "hidden");
      this.readNewest();
    });
    box.replaceChildren(svg);
    this.legend(held, worst, train, turned);
    this.readNewest();
  },

  readNewest() {
    const newest = this.rounds[this.rounds.length - 1];
    say("chart-readout", newest ? this.line(newest) : "");
  },

  line(round) {
    return [`round ${round.round}`, round.loss === undefined ? null : `held-out ${format.loss(round.loss)}`
      + (round.lossStandardError ? ` ± ${format.loss(round.lossStandardError)}` : ""),
      round.worstDecileLoss === undefined ? null : `worst decile ${format.loss(round.worstDecileLoss)}`,
      round.trainLoss === undefined ? null : `train ${format.loss(round.trainLoss)}`,
      round.accuracy === undefined ? null : `accuracy ${(100 * round.accuracy).toFixed(1)} %`,
      round.workers === undefined ? null : `${format.count(round.workers)} workers`, format.duration(round.seconds),
      round.attempt > 1 ? `attempt ${round.attempt}` : null].filter(Boolean).join(" · ");
  },

  summary(held, train) {
    const end = held[held.length - 1];
    const loss = end ? `held-out loss ${format.loss(end.loss)} after round ${end.round}` : "no held-out loss";
    return `Loss over ${this.rounds.length} rounds: ${this.base === null ? "" : `base ${format.loss(this.base)}, `}${loss}`
      + (train.length ? `, training loss ${format.loss(train[train.length - 1].trainLoss)}` : "");
  },

  legend(held, worst, train, turned) {
    const marks = [["mark-held", "held-out", held.length], ["mark-worst", "held-out, worst decile of the workers", worst.length],
      ["mark-train", "training", train.length],
      ["mark-base", "base model", this.base !== null && held.length + train.length],
      ["mark-rollback", "turned back by the gate", turned.length]];
    $("legend").replaceChildren(...marks.filter((mark) => mark[2]).map(([name, label]) =>
      element("li", {}, vector("svg", { width: 22, height: 12, "aria-hidden": "true" },
        name === "mark-rollback" ? vector("path", { class: name, d: "M6 1l10 10m0 -10l-10 10" })
          : vector("line", { class: name, x1: 0, x2: 22, y1: 6, y2: 6 })), label)));
  },
};

/** Round numbers from at or below `low` to at or above `high`, about `count` of them. */
function steps(low, high, count) {
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => span / size <= count) ?? 10 * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

function tickText(tick, ticks) {
  const step = ticks[1] - ticks[0];
  return tick.toFixed(Math.max(0, Math.min(6, Math.ceil(-Math.log10(step) - 1e-9))));
}
