// The coordinator's API: with the token where it needs one, and its stream of changes.

const service = {
  /** Of the coordinator's clock against this machine's. Unit: milliseconds. */
  clockOffset: 0,

  get token() { return sessionStorage.getItem("shoal-token"); },
  set token(text) { text === null ? sessionStorage.removeItem("shoal-token") : sessionStorage.setItem("shoal-token", text); },

  /** Seconds since a time that the coordinator told. */
  secondsSince(text) { return (Date.now() + this.clockOffset - Date.parse(text)) / 1000; },

  async fetch(path, options = {}) {
    const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    const response = await fetch(path, { ...options, headers, cache: "no-store" });
    if (response.status === 401) throw new Unauthorized();
    return response;
  },

  async get(path, parameters = {}) {
    const query = new URLSearchParams(parameters).toString();
    return this.content(await this.fetch(path + (query ? `?${query}` : "")));
  },

  async post(path) { return this.content(await this.fetch(path, { method: "POST" })); },

  async content(response) {
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.error ?? `the coordinator answered ${response.status}`);
    return answer;
  },

  /** Calls `told(name, value)` for each event, until the connection ends. */
  async listen(told) {
    const response = await this.fetch("/api/v1/stream");
    if (!response.ok) return this.content(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const messages = (rest + value).split("\n\n");
      rest = messages.pop();
      for (const message of messages) {
        const lines = message.split("\n");
        const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
        const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
        if (name) told(name, JSON.parse(data));
      }
    }
  },
};

class Unauthorized extends Error {
  constructor() { super("this token is not the coordinator's"); }
}
