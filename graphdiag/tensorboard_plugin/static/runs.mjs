// --- runs.mjs: the list of runs, each with its answer ----------------------------------------------------------------

import { html, number } from "./elements.mjs";

/** @import {Run, State} from "./types" */

const MOST = 500; // rows

/** @type {{key: "hidden" | "artifact" | "missing", letter: string, tone: string}[]} */
const COUNTS = [
  { key: "hidden", letter: "H", tone: "red" },
  { key: "artifact", letter: "A", tone: "amber" },
  { key: "missing", letter: "M", tone: "blue" },
];

export class RunList {
  /** @type {State | null} */
  state = null;
  chosen = "";
  filter = html("input", { type: "search", id: "filter", placeholder: "Filter runs (regex)", spellcheck: "false", autocomplete: "off", "aria-label": "Filter runs by a regular expression", oninput: () => this.show() });
  about = html("p", { class: "about", role: "status" });
  rows = html("ul", { class: "runs", "aria-label": "Runs" });
  refused = html("ul", { class: "refused" });
  element = html("nav", { "aria-label": "Runs" }, this.filter, this.about, this.rows, this.refused);

  /** @param {(run: string) => void} choose */
  constructor(choose) {
    this.choose = choose;
  }

  /** @param {State} state */
  update(state) {
    this.state = state;
    this.show();
  }

  /** @param {string} run */
  mark(run) {
    this.chosen = run;
    for (const button of this.rows.querySelectorAll("button")) button.setAttribute("aria-current", String(button.dataset.run === run));
  }

  /** The runs whose names match the filter, as TensorBoard's own filter has it; all while it is no expression. */
  matching() {
    const runs = this.state?.runs ?? [];
    try {
      const wanted = new RegExp(this.filter.value, "i");
      this.filter.setCustomValidity("");
      return runs.filter(({ name }) => wanted.test(name));
    } catch {
      this.filter.setCustomValidity("not a regular expression");
      return runs;
    }
  }

  show() {
    const { state } = this;
    if (!state) return;
    const found = this.matching();
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.run : undefined;
    const scrolled = this.rows.scrollTop;
    this.rows.replaceChildren(...found.slice(0, MOST).map((run) => this.row(run)));
    this.rows.scrollTop = scrolled;
    if (focused !== undefined) [...this.rows.querySelectorAll("button")].find((button) => button.dataset.run === focused)?.focus();
    this.about.textContent = said(state, found.length);
    this.refused.replaceChildren(...state.refused.map((line) => html("li", {}, line)));
  }

  /** @param {Run} run */
  row(run) {
    const time = run.started ? when(run.started) : "";
    const head = html("span", { class: "head" }, html("span", { class: "name" }, run.name), html("time", {}, time));
    const button = html("button", { type: "button", "data-run": run.name, "aria-current": String(run.name === this.chosen), title: run.answer?.headline ?? "", onclick: () => this.choose(run.name) }, head, ...answer(run));
    return html("li", {}, button);
  }
}

/**
 * What a row says of a run: its counts and its answer, or why there is none.
 *
 * @param {Run} run
 */
function answer(run) {
  if (run.problem || run.state === "failed") return [html("span", { class: "problem" }, run.problem || run.line || "")];
  if (!run.answer) return [html("span", { class: "pending" }, run.state === "working" ? "Comparing …" : "Waiting …")];
  const { headline, counts } = run.answer;
  const chips = COUNTS.filter(({ key }) => counts[key]).map(({ key, letter, tone }) => html("span", { class: `count tone-${tone}` }, html("b", {}, letter), ` ${counts[key].toLocaleString("en-US")} ${key}`));
  const none = chips.length ? [] : [html("span", { class: "count none" }, run.answer.ops === null ? "no op graph" : "no differences")];
  return [html("span", { class: "counts" }, ...chips, ...none), html("span", { class: "headline" }, headline)];
}

/**
 * @param {State} state
 * @param {number} found How many runs match the filter.
 */
function said({ reading, runs, directories }, found) {
  const waiting = runs.filter((run) => run.state === "waiting" || run.state === "working").length;
  if (!directories.length) return "TensorBoard was given no log directory.";
  if (reading.done < reading.of || reading.first) return `Reading: ${reading.done} of ${number(reading.of, "run")}`;
  if (!runs.length) return "No run holds a graph or a Keras model.";
  const shown = found === runs.length ? number(found, "run") : `${found} of ${number(runs.length, "run")}`;
  const more = found > MOST ? `, the first ${MOST} are shown` : "";
  return waiting ? `${shown}${more}; ${runs.length - waiting} compared, ${waiting} to go` : `${shown}${more}`;
}

/** @param {number} seconds Since 1970. */
function when(seconds) {
  const date = new Date(seconds * 1000);
  const today = new Date().toDateString() === date.toDateString();
  return today ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : date.toLocaleDateString([], { year: "numeric", month: "short", day: "numeric" });
}
