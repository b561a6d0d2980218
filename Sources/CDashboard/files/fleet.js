// The fleet: the coordinator searches, sorts and cuts pages; this shows one of them.

const fleet = {
  /** A row is a card on a phone. */
  pageSize: matchMedia("(max-width: 760px)").matches ? 20 : 50,
  query: { search: "", state: "all", sort: "worker", order: "ascending", offset: 0 },
  answer: null,
  isAsking: false,
  isAskedAgain: false,

  columns: [
    { key: "worker", title: "Worker" },
    { key: "phase", title: "At work", isOpen: true },
    { key: "lastSeen", title: "Last seen", isOpen: true },
    { key: "updates", title: "Given", number: true, isOpen: true },
    { key: "trainLoss", title: "Train loss", number: true, isOpen: true },
    { key: "heldOutLoss", title: "Held-out", number: true, isOpen: true },
    { key: "energy", title: "Energy", number: true, isOpen: true },
    { key: "suspicion", title: "Suspicion", number: true, isOpen: true },
    { key: "memory", title: "Resources" },
    { key: "software", title: "Version" },
  ],

  /** Columns that some runs know nothing for, and what of a worker they show. */
  optional: { heldOutLoss: "heldOutLoss", energy: "energyJoules", suspicion: "suspicion" },

  begin() {
    $("filters").addEventListener("submit", (event) => event.preventDefault());
    let typing = 0;
    $("search").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.change({ search: $("search").value.trim(), offset: 0 }), 200);
    });
    $("filter").addEventListener("change", () => this.change({ state: $("filter").value, offset: 0 }));
    $("sort-choice").addEventListener("change", () => {
      const [sort, order] = $("sort-choice").value.split(" ");
      this.change({ sort, order, offset: 0 });
    });
    $("previous").addEventListener("click", () => this.change({ offset: Math.max(0, this.query.offset - this.pageSize) }));
    $("next").addEventListener("click", () => this.change({ offset: this.query.offset + this.pageSize }));
  },

  change(query) {
    Object.assign(this.query, query);
    return this.refresh();
  },

  /** One request at a time: what changes meanwhile is asked for after it. */
  async refresh() {
    if (this.isAsking) { this.isAskedAgain = true; return; }
    this.isAsking = true;
    try {
      do {
        this.isAskedAgain = false;
        this.answer = await service.get("/api/v1/workers", { ...this.query, limit: this.pageSize });
        this.query.offset = this.answer.offset >= this.answer.matching && this.answer.matching > 0 ? 0 : this.query.offset;
        this.show();
      } while (this.isAskedAgain);
    } catch (error) {
      if (error instanceof Unauthorized) throw error;
      // Without a connection the page says so as a whole.
      if (known.lostSince === null) say("fleet-count", `not up to date: ${error.message}`);
    } finally {
      this.isAsking = false;
    }
  },

  show() {
    const { workers, matching, total, offset, participationIsSecret } = this.answer;
    const columns = this.columns.filter((column) => !(participationIsSecret && column.isOpen)
      && (this.optional[column.key] === undefined || workers.some((worker) => worker[this.optional[column.key]] !== undefined)));
    this.showHead(columns);
    this.showBody(columns, workers);
    show("suspicion-note", columns.some((column) => column.key === "suspicion"));
    show("fleet", workers.length > 0);
    show("fleet-empty", workers.length === 0);
    say("fleet-empty", total === 0
      ? "No worker is enrolled yet. Invite one: shoal keys invite --state STATE --name NAME --endpoint tcp://HOST:5670 --out NAME.join"
      : "No worker is like that.");
    say("fleet-count", `${format.count(total)} enrolled`
      + (matching === total ? "" : `, ${format.count(matching)} found`));
    $("previous").disabled = offset === 0;
    $("next").disabled = offset + workers.length >= matching;
    document.querySelector(".pages").hidden = matching <= this.pageSize && offset === 0;
    say("page", matching ? `${format.count(offset + 1)}–${format.count(offset + workers.length)} of ${format.count(matching)}` : "");
  },

  showHead(columns) {
    const table = $("fleet");
    const names = columns.map((column) => column.key).join(" ");
    if (table.dataset.columns !== names) {
      table.dataset.columns = names;
      const cells = columns.map((column) => {
        const button = element("button", { type: "button" }, column.title);
        button.addEventListener("click", () => {
          const isSame = this.query.sort === column.key;
          const first = column.number || column.key === "lastSeen" ? "descending" : "ascending";
          const other = this.query.order === "ascending" ? "descending" : "ascending";
          this.change({ sort: column.key, order: isSame ? other : first, offset: 0 });
        });
        return element("th", { scope: "col", role: "columnheader", className: column.number ? "number" : "",
          "data-column": column.key }, button);
      });
      table.replaceChildren(element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...cells)),
        element("tbody", { role: "rowgroup" }));
      $("sort-choice").replaceChildren(...columns.flatMap((column) => [["ascending", "↑"], ["descending", "↓"]].map(
        ([order, arrow]) => element("option", { value: `${column.key} ${order}` }, `${column.title} ${arrow}`))));
    }
    for (const cell of table.querySelectorAll("thead th")) {
      cell.setAttribute("aria-sort", cell.dataset.column === this.query.sort ? this.query.order : "none");
    }
    $("sort-choice").value = `${this.query.sort} ${this.query.order}`;
  },

  showBody(columns, workers) {
    const rows = workers.map((worker) => element("tr", { role: "row", className: worker.isConnected ? "" : "away" },
      ...columns.map((column) => column.key === "worker"
        ? element("th", { scope: "row", role: "rowheader" }, worker.worker,
          element("span", { className: "sub" }, worker.revokedAt ? "revoked" : worker.isConnected ? "" : "not connected"))
        : element("td", { role: "cell", className: column.number ? "number" : "", "data-label": column.title },
          ...this.cell(column.key, worker)))));
    $("fleet").tBodies[0].replaceChildren(...rows);
  },

  /** Told once a second, between answers. */
  showTimes() {
    for (const place of document.querySelectorAll("[data-seen]")) {
      const text = `${format.ago(service.secondsSince(place.dataset.seen))} ago`;
      if (place.textContent !== text) place.textContent = text;
    }
  },

  cell(key, worker) {
    const sub = (text) => text ? element("span", { className: "sub" }, text) : null;
    switch (key) {
    case "phase": {
      const late = worker.late ? element("span", { className: "sub late-mark" }, `late: ${worker.late}`) : null;
      if (!worker.isConnected) return [element("span", { className: "phase" }, "–"), late];
      const word = worker.waitsForSlot ? "waits for a training slot" : worker.phase ?? "idle";
      const share = worker.totalSteps ? worker.step / worker.totalSteps : null;
      return [element("span", { className: "phase" }, share === null ? word : `${word}, step ${worker.step} of ${worker.totalSteps}`),
        share === null ? null : bar(share, "", `step ${worker.step} of ${worker.totalSteps}`),
        late];
    }
    case "lastSeen": {
      if (!worker.lastSeen) return [worker.isConnected ? "connected" : "never since the coordinator began"];
      return [element("span", { "data-seen": worker.lastSeen }, `${format.ago(service.secondsSince(worker.lastSeen))} ago`)];
    }
    case "updates": return [`${format.count(worker.updates ?? 0)} updates`,
      sub([worker.tokens ? `${format.short(worker.tokens)} tokens` : "", worker.failures ? `${format.count(worker.failures)} failed` : ""]
        .filter(Boolean).join(", "))];
    case "trainLoss": return [worker.trainLoss === undefined ? "–" : format.loss(worker.trainLoss)];
    case "heldOutLoss": return worker.heldOutLoss === undefined ? ["–"]
      : [format.loss(worker.heldOutLoss), sub(`first ${format.loss(worker.firstHeldOutLoss)}`)];
    case "energy": return worker.energyJoules === undefined ? ["–"]
      : [format.energy(worker.energyJoules, worker.energyIsMeasured),
        sub(worker.trainingSeconds === undefined ? "" : `in ${format.roughly(worker.trainingSeconds)}`)];
    case "suspicion": return worker.suspicion
      ? [worker.suspicion.score.toFixed(2), sub(`${worker.suspicion.rounds} rounds`)] : ["–"];
    case "memory": return worker.cores === undefined ? ["–"]
      : [`${worker.cores} ${worker.cores === 1 ? "core" : "cores"}, ${format.memory(worker.memoryBytes)}`, sub(`rank ${worker.rank}`)];
    case "software": return [worker.software ?? "–"];
    default: return ["–"];
    }
  },
};
