// --- view.mjs: what is said of the chosen run, and the page of it ----------------------------------------------------

import { html } from "./elements.mjs";
import { addressOfGraphs, isDark, openInGraphs, theme } from "./host.mjs";

/** @import {JobState, Model, Place, Run, State} from "./types" */

const OWN_GRAPH = "the run's own graph";
const NO_MODEL = "none";
const AGAIN_MS = 400; // between two looks at a job

export class View {
  /** @type {State | null} */
  state = null;
  /** @type {Run | null} */
  run = null;
  /** @type {Place} */
  place = { run: "", tag: null, model: "", to: "", at: "" };
  asked = ""; // what is on screen, or on its way there
  /** @type {HTMLIFrameElement | null} */
  frame = null;
  name = html("h2", {});
  tags = this.chooser("Graph", (value) => this.change({ tag: value, at: "" }));
  models = this.chooser("Layer graph", (value) => this.change({ model: value, at: "" }));
  others = this.chooser("Compare with", (value) => this.change({ to: value, at: "" }));
  repaired = html("button", { type: "button", onclick: () => this.download() }, "Download repaired graph");
  graphs = html("a", { target: "_parent", onclick: (event) => this.leave(event) }, "Open in Graphs");
  bar = html("div", { class: "bar", hidden: "" }, this.name, this.tags.label, this.models.label, this.others.label, this.repaired, this.graphs);
  message = html("p", { class: "message", role: "status" }, "Choose a run.");
  page = html("div", { class: "page" });
  element = html("main", {}, this.bar, this.message, this.page);

  /** @param {(place: Place) => void} moved Is called when something else is seen. */
  constructor(moved) {
    this.moved = moved;
  }

  /**
   * A labeled choice.
   *
   * @param {string} label
   * @param {(value: string) => void} choose
   */
  chooser(label, choose) {
    const select = html("select", { onchange: () => choose(select.value) });
    return { select, label: html("label", {}, `${label} `, select) };
  }

  /** @param {Partial<Place>} change */
  change(change) {
    this.go({ ...this.place, ...change });
  }

  /**
   * Shows a run, or what changed between two.
   *
   * @param {Place} place
   */
  go(place) {
    this.place = place;
    this.moved(place);
    this.refresh();
  }

  /** @param {State} state */
  update(state) {
    this.state = state;
    this.refresh();
  }

  refresh() {
    const { place, state } = this;
    if (!state) return;
    this.run = state.runs.find(({ name }) => name === place.run) ?? null;
    const { run } = this;
    this.bar.hidden = !run;
    if (!run) {
      this.say(place.run ? `There is no run ${place.run} with a graph.` : state.runs.length ? "Choose a run." : "");
      return;
    }
    this.name.textContent = run.name;
    this.graphs.href = addressOfGraphs(run.name);
    this.fillChoices(run, state);
    if (run.problem) {
      this.say(run.problem, "problem");
      return;
    }
    const wanted = [place.run, place.tag, place.model, place.to, run.content, state.runs.find(({ name }) => name === place.to)?.content].join("\n");
    if (wanted === this.asked) return;
    this.asked = wanted;
    this.open(wanted);
  }

  /**
   * @param {Run} run
   * @param {State} state
   */
  fillChoices(run, { runs, models }) {
    const { place } = this;
    const tags = run.tags ?? [];
    fill(this.tags.select, tags.map((tag) => [tag, tag || OWN_GRAPH]), place.tag ?? run.answer?.tag ?? "");
    this.tags.label.hidden = tags.length < 2;
    const own = run.keras?.length ? "recorded in the run" : run.model ? `${run.model.slice(run.model.lastIndexOf("/") + 1)}, beside the log` : "none: name scopes stand for layers";
    const rest = models.filter((model) => model.run !== run.name);
    const beside = rest.filter((model) => model.directory === run.directory);
    /** @type {[string, string][]} */
    const options = [["", own], ...(run.model || run.keras?.length ? [/** @type {[string, string]} */ ([NO_MODEL, "none: name scopes stand for layers"])] : [])];
    options.push(...[...beside, ...rest.filter((model) => !beside.includes(model))].map((model) => /** @type {[string, string]} */ ([model.id, labelOf(model)])));
    fill(this.models.select, options, place.model);
    this.models.label.hidden = Boolean(run.problem);
    const others = runs.filter(({ name, problem }) => name !== run.name && !problem);
    fill(this.others.select, [["", "–"], ...others.map(({ name }) => /** @type {[string, string]} */ ([name, name]))], place.to);
    this.others.label.hidden = !others.length || Boolean(run.problem);
    this.repaired.disabled = !run.answer?.repairable && !place.model;
    this.repaired.title = this.repaired.disabled ? "There is no layer graph to draw it by; choose one." : "An event file in which TensorBoard draws the model as it was written. Nothing is written into the log directory.";
    this.repaired.hidden = !tags.length && !run.keras?.length;
  }

  /**
   * @param {string} words
   * @param {string} [kind]
   */
  say(words, kind = "") {
    this.asked = "";
    this.clear();
    this.message.textContent = words;
    this.message.className = `message ${kind}`;
  }

  clear() {
    this.page.replaceChildren();
    this.frame = null;
    this.message.textContent = "";
  }

  /** The parameters of a request about what is chosen. */
  parameters() {
    const { run, tag, model } = this.place;
    return { run, ...(tag === null ? {} : { tag }), model };
  }

  /** @param {string} wanted */
  async open(wanted) {
    const { to, at } = this.place;
    this.clear();
    this.message.className = "message";
    this.message.textContent = "…";
    const parameters = to ? { kind: "changes", ...this.changesFrom(to) } : { kind: "page", ...this.parameters() };
    const done = await this.finish(parameters, (words) => wanted === this.asked && (this.message.textContent = words));
    if (wanted !== this.asked) return;
    if (done.state === "failed") {
      this.message.textContent = done.line;
      this.message.className = "message problem";
      return;
    }
    this.message.textContent = "";
    this.load(`../graphdiag/result?of=${done.result}`, at);
  }

  /**
   * The run that is chosen is the newer one.
   *
   * @param {string} to The other.
   */
  changesFrom(to) {
    const { run, tag, model } = this.place;
    return { run: to, to_run: run, ...(tag === null ? {} : { to_tag: tag }), to_model: model };
  }

  /**
   * Asks for a job until it is done.
   *
   * @param {Record<string, string>} parameters
   * @param {(words: string) => void} tell
   * @returns {Promise<JobState>}
   */
  async finish(parameters, tell) {
    for (;;) {
      /** @type {JobState} */
      let job;
      try {
        job = await (await fetch(`job?${new URLSearchParams(parameters)}`)).json();
      } catch {
        return { state: "failed", line: "TensorBoard does not answer.", seconds: 0, ahead: 0, answer: null, result: "" };
      }
      if (job.state === "done" || job.state === "failed") return job;
      tell(job.state === "waiting" ? `Waiting; ${job.ahead} before it.` : `Comparing … ${job.seconds.toFixed(0)} s`);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /**
   * @param {string} address
   * @param {string} at What is selected in the page.
   */
  load(address, at) {
    const frame = html("iframe", { title: `Diagnosis of ${this.place.run}`, src: `${address}${at ? `#${at}` : ""}`, onload: () => this.loaded(frame) });
    frame.style.colorScheme = isDark() ? "dark" : "light";
    this.frame = frame;
    this.page.replaceChildren(frame);
  }

  /** @param {HTMLIFrameElement} frame */
  loaded(frame) {
    const { contentWindow, contentDocument } = frame;
    if (!contentWindow || !contentDocument || frame !== this.frame) return;
    theme(contentDocument);
    contentWindow.addEventListener("selected", (event) => {
      this.place = { ...this.place, at: String(/** @type {CustomEvent} */ (event).detail).slice(1) };
      this.moved(this.place);
    });
    for (const fix of contentDocument.querySelectorAll(".finding .fix")) {
      const link = contentDocument.createElement("a");
      link.href = addressOfGraphs(this.place.run);
      link.textContent = "Open in Graphs";
      link.className = "graphs";
      link.addEventListener("click", (event) => this.leave(event));
      fix.append(" ", link);
    }
  }

  /** @param {Event} event */
  leave(event) {
    event.preventDefault();
    openInGraphs(this.place.run, this.place.tag ?? this.run?.answer?.tag ?? "");
  }

  async download() {
    const { repaired } = this;
    const words = repaired.textContent;
    repaired.disabled = true;
    const done = await this.finish({ kind: "repaired", ...this.parameters() }, () => (repaired.textContent = "Repairing …"));
    repaired.textContent = words;
    repaired.disabled = false;
    if (done.state === "failed") {
      this.message.textContent = done.line;
      this.message.className = "message problem";
      return;
    }
    html("a", { href: `result?of=${done.result}`, download: "" }).click();
  }

  rethemed() {
    if (!this.frame) return;
    this.frame.style.colorScheme = isDark() ? "dark" : "light";
    if (this.frame.contentDocument) theme(this.frame.contentDocument);
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {[string, string][]} options Values and labels.
 * @param {string} chosen
 */
function fill(select, options, chosen) {
  const wanted = JSON.stringify(options);
  if (select.dataset.options !== wanted) {
    select.dataset.options = wanted;
    select.replaceChildren(...options.map(([value, label]) => html("option", { value }, label)));
  }
  select.value = chosen;
}

/** @param {Model} model */
function labelOf({ id, run, tag }) {
  return run === undefined ? id : `Keras model of run ${run}${tag === "keras" ? "" : `, tag ${tag}`}`;
}
