"use strict";
// Numbers and times as people read them, and elements that hold text: nothing that came over the network is ever markup.

const $ = (id) => document.getElementById(id);

/** An element; `properties` are its own ones, or attributes where the name has a dash or is `role` or `for`. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "scope") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function vector(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Sets text only where it changes, so that a screen reader is told nothing twice. */
function say(id, text) {
  const place = $(id);
  if (place.textContent !== text) place.textContent = text;
}

function show(id, isShown) {
  if ($(id).hidden === isShown) $(id).hidden = !isShown;
}

const format = {
  /** Decimal units: 1 MB = 10⁶ bytes. */
  bytes(count) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0;
    while (count >= 1000 && unit < units.length - 1) { count /= 1000; unit += 1; }
    return `${unit === 0 ? count : count.toFixed(count < 10 ? 2 : 1)} ${units[unit]}`;
  },
  /** 1 GiB = 2³⁰ bytes, as memory is sold. */
  memory(count) {
    const gibibytes = count / 2 ** 30;
    return gibibytes < 1 ? `${Math.round(count / 2 ** 20)} MiB` : `${gibibytes.toFixed(gibibytes < 10 ? 1 : 0)} GiB`;
  },
  /** An estimate is never shown without its mark. */
  energy(joules, isMeasured) {
    const units = ["J", "kJ", "MJ", "GJ"];
    let unit = 0;
    while (joules >= 1000 && unit < units.length - 1) { joules /= 1000; unit += 1; }
    return `${isMeasured ? "" : "≈ "}${joules.toFixed(joules < 10 ? 2 : 1)} ${units[unit]}`;
  },
  count(value) { return Number(value).toLocaleString("en-US"); },
  short(value) {
    return new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 }).format(value);
  },
  loss(value) { return value.toFixed(4); },
  duration(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    if (whole < 172800) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
    return `${Math.floor(whole / 86400)} days`;
  },
  /** Whole seconds alone: what counts up once a second. */
  ago(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    return whole < 10 ? `${whole} s` : this.duration(whole);
  },
  /** In its largest unit alone. */
  roughly(seconds) {
    if (seconds < 60) return this.ago(seconds);
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
  },
  clock(text) {
    const time = new Date(text);
    const isToday = time.toDateString() === new Date().toDateString();
    const clock = time.toLocaleTimeString("en-GB");
    return isToday ? clock : `${time.toLocaleDateString("en-CA")} ${clock.slice(0, 5)}`;
  },
};
