// --- main.mjs: the page ----------------------------------------------------------------------------------------------
// A page may hold several models; it shows one of them. What is selected is a finding, boxes or edges of one picture,
// and each selection says what it marks in both.

import { fragmentOf, selectedBy } from "./address.mjs";
import { Model } from "./data.mjs";
import { html, number } from "./elements.mjs";
import { DATA, STATUS, byId } from "./page.mjs";
import { Details, Search } from "./panels.mjs";
import { Picture } from "./picture.mjs";

/** @import {DrawnKey, Key, Marked, Selection, VisibleEdge} from "./types" */

/** @type {Key[]} */
const KEYS = ["layers", "drawn", "repaired"];
/** @type {DrawnKey[]} */
const DRAWN_KEYS = ["drawn", "repaired"];

/**
 * Which pictures can be shown together, by what the page calls that.
 *
 * @type {{label: string, keys: Key[]}[]}
 */
const CHOICES = [
  { label: "As TensorBoard draws it", keys: ["layers", "drawn"] },
  { label: "Repaired", keys: ["layers", "repaired"] },
  { label: "Both side by side", keys: ["drawn", "repaired"] },
];

/**
 * What the address calls a box and an edge of each picture.
 *
 * @type {Record<Key, {box: string, edge: string}>}
 */
const KINDS = {
  layers: { box: "layer", edge: "edge" },
  drawn: { box: "box", edge: "arrow" },
  repaired: { box: "repaired", edge: "repaired-arrow" },
};

export class App {
  /** @type {Partial<Record<Key, Picture>>} */
  pictures = {};
  /** @type {Partial<Record<Key, HTMLElement>>} */
  panes = {};
  /** @type {HTMLButtonElement[]} */
  choices = [];
  row = html("div", { class: "panes" }); // what is seen, side by side
  /** @type {Key[]} */
  seen = [];
  /** @type {Set<Key>} */
  drawn = new Set(); // pictures that have been drawn
  /** @type {Selection | null} */
  selection = null;
  details = new Details(this);
  live = byId("live");

  /** @param {number} place Of the model in the data. */
  constructor(place) {
    this.model = new Model(DATA.models[place], DATA);
    this.place = place;
    for (const key of KEYS) {
      const graph = this.model[key];
      const picture = graph && new Picture(graph, key, this);
      if (picture) this.pictures[key] = picture;
      if (picture || key !== "repaired" || this.model.unrepaired) this.panes[key] = picture ? picture.element : absent(key, this.model);
    }
    if (this.panes.repaired) {
      this.choices = CHOICES.map(({ label, keys }) => html("button", { type: "button", class: "act", onclick: () => this.show(keys) }, label));
    }
    this.choose(CHOICES[0].keys);
    const aside = this.model.drawn?.edges.some((edge) => edge.status === STATUS.aside);
    all(`[data-of="${place}"] .chip[data-status="aside"]`).forEach((chip) => (chip.hidden = !aside));
    this.buttons = all(`.pick[data-model="${place}"]`);
  }

  // Puts this model on screen in place of another.
  attach() {
    search.app = this;
    const choice = html("div", { class: "choice", role: "group", "aria-label": "Pictures" }, ...this.choices);
    byId("pictures").replaceChildren(...(this.choices.length ? [choice] : []), this.row);
  }

  /**
   * Chooses which pictures are seen.
   *
   * @param {Key[]} keys
   */
  choose(keys) {
    this.seen = keys;
    this.row.replaceChildren(...keys.flatMap((key) => this.panes[key] ?? []));
    this.choices.forEach((button, place) => button.setAttribute("aria-pressed", String(CHOICES[place].keys === keys)));
  }

  /**
   * Shows these pictures and not the others, with what is selected in sight.
   *
   * @param {Key[]} keys
   */
  async show(keys) {
    this.choose(keys);
    await this.draw();
    this.refresh();
    if (this.selection?.within) await this.uncover(this.selection.within);
    else if (this.selection) this.bringMarked(this.selection.marks());
    this.say(`${keys.map((key) => this.panes[key]?.getAttribute("aria-label")).join(" and ")}.`);
  }

  /** Draws the pictures that are seen and have not been drawn. */
  async draw() {
    const due = this.seen.filter((key) => !this.drawn.has(key));
    for (const key of due) this.drawn.add(key);
    await Promise.all(due.map((key) => this.pictures[key]?.draw()));
    document.documentElement.dataset.ready = "true";
  }

  /**
   * Makes sure that a picture is seen.
   *
   * @param {Key} key
   */
  async reach(key) {
    const choice = CHOICES.find(({ keys }) => keys.includes(key));
    if (!this.seen.includes(key) && choice) await this.show(choice.keys);
  }

  /**
   * Said by screen readers.
   *
   * @param {string} words
   */
  say(words) {
    this.live.textContent = words;
  }

  // --- selecting ---

  /** @param {Selection | null} selection */
  select(selection) {
    this.selection = selection;
    this.refresh();
    remember(this.place, this.selected());
  }

  /**
   * What the address says of the selection.
   *
   * @returns {{code: string, nth: number, kind: string, names: string[]}}
   */
  selected() {
    const { finding, kind = "", names = [] } = this.selection ?? {};
    const { findings } = this.model;
    const code = finding === undefined ? "" : findings[finding].code;
    return { code, nth: code ? findings.slice(0, finding).filter((other) => other.code === code).length : 0, kind, names };
  }

  /**
   * Selects what an address says, if there is such a thing.
   *
   * @param {import("./types").Selected} place
   */
  async selectPlace({ code, nth, kind, names }) {
    const { model } = this;
    if (code) {
      const alike = model.findings.flatMap((finding, at) => (finding.code === code ? [at] : []));
      if (alike.length) await this.selectFinding(alike[Math.min(nth, alike.length - 1)]);
      return;
    }
    const key = KEYS.find((each) => kind === KINDS[each].box || kind === KINDS[each].edge);
    const graph = key && model[key];
    if (!graph || !names.length) return;
    const rows = names.map((name) => graph.rowOf(name));
    if (rows.includes(-1)) return;
    if (kind === KINDS[key].box) {
      await this.goTo(key, rows[0]);
      return;
    }
    await this.reach(key);
    const edge = graph.edges.findIndex(({ source, target }) => source === rows[0] && target === rows[1]);
    if (edge < 0) return;
    if (key === "layers") this.selectLayerEdges([edge]);
    else this.selectArrows(key, [edge]);
  }

  clear() {
    search.clear();
    this.select(null);
    this.details.clear();
    this.say("Nothing is selected.");
  }

  // Marks follow the selection; they are found anew when boxes open or close.
  refresh() {
    const { selection } = this;
    /** @type {Marked} */
    const marks = selection ? selection.marks() : { layers: {}, drawn: {}, repaired: {} };
    for (const key of KEYS) {
      const { nodes = [], edges = [], chosen = -1 } = marks[key];
      this.pictures[key]?.mark({ nodes: new Set(nodes), edges: new Set(edges), chosen });
    }
    for (const button of this.buttons) {
      button.setAttribute("aria-pressed", String(selection?.finding === Number(button.dataset.finding)));
    }
    if (selection?.fill) selection.fill();
  }

  /**
   * Arrows that stand for layer edges.
   *
   * @param {number[]} layerEdges
   * @param {DrawnKey} [key]
   */
  arrowsOf(layerEdges, key = "drawn") {
    return [...new Set(layerEdges.flatMap((row) => [...(this.model.ties[key].arrowsOf.get(row) ?? [])]))];
  }

  /**
   * Layer edges for which arrows stand.
   *
   * @param {number[]} arrows
   * @param {DrawnKey} [key]
   */
  edgesOf(arrows, key = "drawn") {
    return [...new Set(arrows.flatMap((arrow) => [...(this.model.ties[key].edgesOf.get(arrow) ?? [])]))];
  }

  /**
   * What layer edges light up in each picture.
   *
   * @param {number[]} edges
   * @param {Partial<Record<DrawnKey, number[]>>} [arrows] Where these are known already.
   * @returns {Marked}
   */
  marksOfEdges(edges, arrows = {}) {
    const [drawn, repaired] = DRAWN_KEYS.map((key) => {
      const found = arrows[key] ?? this.arrowsOf(edges, key);
      return { nodes: this.endsOf(key, found), edges: found };
    });
    return { layers: { nodes: this.endsOf("layers", edges), edges }, drawn, repaired };
  }

  /**
   * Rows at both ends of edges.
   *
   * @param {Key} key
   * @param {number[]} edges
   */
  endsOf(key, edges) {
    const graph = this.model[key];
    return graph ? edges.flatMap((row) => [graph.edges[row].source, graph.edges[row].target]) : [];
  }

  /**
   * The finding's edges and boxes light up, with what is around them open.
   *
   * @param {number} place
   */
  async selectFinding(place) {
    const finding = this.model.findings[place];
    const arrows = this.arrowsOf(finding.edges);
    const homes = finding.edges.length || !this.model.drawn ? [] : finding.layers.map((row) => this.model.homeOf(row)).filter((row) => row >= 0);
    const inRepaired = this.arrowsOf(finding.edges, "repaired");
    const marks = {
      layers: { nodes: finding.layers, edges: finding.edges },
      drawn: { nodes: [...finding.boxes, ...homes, ...this.endsOf("drawn", arrows)], edges: arrows },
      repaired: { nodes: [...this.model.repairedBoxes(finding.layers), ...this.endsOf("repaired", inRepaired)], edges: inRepaired },
    };
    this.details.clear();
    const within = {
      layers: finding.edges.length ? this.endsOf("layers", finding.edges) : finding.layers,
      drawn: arrows.length ? this.endsOf("drawn", arrows) : finding.boxes,
      repaired: this.endsOf("repaired", inRepaired),
    };
    this.select({ finding: place, marks: () => marks, within });
    // Where the pictures lie below the findings, they come into sight.
    if (matchMedia("(max-width: 900px)").matches) byId("pictures").scrollIntoView();
    await this.uncover(within);
    this.refresh();
    this.say(`${`${finding.code} ${finding.rule}`.trim()}: ${number(finding.edges.length, "layer edge")} and ${number(arrows.length, "arrow")} marked.`);
  }

  /**
   * Brings what is marked into sight.
   *
   * @param {Marked} marks
   * @param {Key} [but] The picture that stays as it is.
   */
  bringMarked(marks, but) {
    for (const key of KEYS) {
      const picture = this.pictures[key];
      if (key !== but && picture?.laid && this.seen.includes(key)) picture.bring(marks[key].nodes ?? []);
    }
  }

  /**
   * Opens the boxes around these rows, in the pictures that are seen, and brings them into sight.
   *
   * @param {Record<Key, number[]>} rows
   */
  async uncover(rows) {
    await Promise.all(this.seen.map((key) => this.pictures[key]?.uncover(rows[key])));
  }

  /**
   * @param {Key} key
   * @param {number} row
   */
  selectBox(key, row) {
    const { model } = this;
    const graph = model[key];
    if (!graph) return;
    const inside = graph.within(row);
    /** @type {number[]} */
    const touching = [];
    graph.edges.forEach((edge, place) => {
      if (!edge.quiet && (inside.has(edge.source) || inside.has(edge.target))) touching.push(place);
    });
    const marked = { nodes: [...inside], edges: touching, chosen: row };
    const marks = { ...this.marksOfBox(key, row, inside, touching), [key]: marked };
    const fill = () => (key === "layers" ? this.details.layer(row) : this.details.box(key, row));
    this.select({ marks: () => marks, fill, kind: KINDS[key].box, names: [graph.name(row)] });
    this.bringMarked(marks, key);
    this.say(`${graph.name(row)}: ${number(touching.length, "edge")} marked.`);
  }

  /**
   * What a box lights up in the other pictures.
   *
   * @param {Key} key Its picture.
   * @param {number} row
   * @param {Set<number>} inside It and all that is within it.
   * @param {number[]} touching Edges of its picture that end there.
   * @returns {Marked}
   */
  marksOfBox(key, row, inside, touching) {
    const { model } = this;
    const ops = key === "layers" ? model.opsBelow(row) : model.opsWithin(row, key);
    const layers = key === "layers" ? [...inside] : key === "drawn" ? model.ownersOf(ops) : model.layersOfRepaired(row, inside);
    const edges = key === "layers" ? touching : this.edgesOf(touching, key);
    const { drawn = [] } = model.ops ?? {};
    return {
      layers: { nodes: layers, edges },
      drawn: { nodes: ops.map((op) => drawn[op]).filter((at) => at >= 0), edges: this.arrowsOf(edges) },
      repaired: { nodes: model.repairedBoxes(layers), edges: this.arrowsOf(edges, "repaired") },
    };
  }

  /**
   * @param {Key} key
   * @param {VisibleEdge} edge
   */
  selectEdge(key, edge) {
    if (key === "layers") this.selectLayerEdges(edge.rows);
    else this.selectArrows(key, edge.rows);
  }

  /** @param {number[]} edges */
  selectLayerEdges(edges) {
    const arrows = this.arrowsOf(edges);
    const marks = this.marksOfEdges(edges);
    this.select({ marks: () => marks, fill: () => this.details.layerEdges(edges), ...this.named("layers", edges) });
    this.bringMarked(marks);
    this.say(`${number(edges.length, "layer edge")} and ${number(arrows.length, "arrow")} marked.`);
  }

  /**
   * @param {DrawnKey} key
   * @param {number[]} arrows
   */
  selectArrows(key, arrows) {
    const edges = this.edgesOf(arrows, key);
    const marks = this.marksOfEdges(edges, { [key]: arrows });
    this.select({ marks: () => marks, fill: () => this.details.arrows(key, arrows), ...this.named(key, arrows) });
    this.bringMarked(marks);
    this.say(`${number(arrows.length, "arrow")} and ${number(edges.length, "layer edge")} marked.`);
  }

  /**
   * What the address says of edges: the first one.
   *
   * @param {Key} key
   * @param {number[]} edges
   */
  named(key, [first]) {
    const graph = this.model[key];
    const ends = graph ? [graph.edges[first].source, graph.edges[first].target] : [];
    return { kind: KINDS[key].edge, names: ends.map((row) => graph?.name(row) ?? "") };
  }

  // --- going to what was searched ---

  /**
   * @param {Key} key
   * @param {number} row
   */
  async goTo(key, row) {
    await this.reach(key);
    await this.pictures[key]?.reveal(row);
    this.selectBox(key, row);
  }

  /** @param {number} op */
  async goToOp(op) {
    const box = this.model.ops?.drawn[op] ?? -1;
    const owner = this.model.ops?.owners[op] ?? -1;
    if (box >= 0) await this.goTo("drawn", box);
    else if (owner >= 0) await this.goTo("layers", owner);
    else this.say(`${this.model.opName(op)} is in no box: TensorBoard does not draw it.`);
  }
}

/**
 * What stands in place of a picture that there is not.
 *
 * @param {Key} key
 * @param {Model} model
 */
function absent(key, model) {
  const undrawn = model.ops?.names.length
    ? "TensorBoard cannot draw this op graph; the findings say why."
    : "There is no op graph that TensorBoard could draw, so there is nothing to hold the layer graph against.";
  const why = {
    layers: ["Layer graph", "There is no layer graph, and no name scope that could stand for a layer."],
    drawn: ["Drawn graph", undrawn],
    repaired: ["Repaired graph", model.unrepaired],
  }[key];
  return html("section", { class: "pane absent", id: `pane-${key}`, "aria-label": why[0] }, html("div", { class: "bar" }, html("h2", {}, why[0])), html("p", { class: "empty" }, why[1]));
}

// --- which model is shown, and what concerns all of them ---

/**
 * Elements of the page.
 *
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
function all(selector) {
  return [...document.querySelectorAll(selector)].filter((element) => element instanceof HTMLElement);
}

const search = new Search();
/** @type {Map<number, App>} */
const apps = new Map();
/** @type {App | null} */
let app = null;

/**
 * Shows a model; its pictures are drawn when it is shown first.
 *
 * @param {number} place In the data.
 * @returns {Promise<App>}
 */
async function showModel(place) {
  if (app?.place === place) return app;
  app?.clear();
  for (const element of all("[data-of]")) element.hidden = Number(element.dataset.of) !== place;
  for (const button of all(".choose")) button.setAttribute("aria-pressed", String(Number(button.dataset.model) === place));
  measure();
  const known = apps.get(place);
  const shown = known ?? new App(place);
  app = shown;
  apps.set(place, shown);
  shown.attach();
  if (!known) await shown.draw();
  return shown;
}

const measure = () => document.documentElement.style.setProperty("--above", `${document.querySelector("header")?.offsetHeight}px`);
addEventListener("resize", measure);

/**
 * Puts a selection into the address. Within another page, the address is not ours to change, and the page is told.
 *
 * @param {number} model
 * @param {{code: string, nth: number, kind: string, names: string[]}} selected
 */
function remember(model, selected) {
  const fragment = fragmentOf({ model, ...selected });
  if (window.top === window) history.replaceState(null, "", fragment);
  else dispatchEvent(new CustomEvent("selected", { detail: fragment }));
}

/** Selects what the address says. */
async function followAddress() {
  const selected = selectedBy(location.hash);
  const shown = await showModel(Math.min(selected.model, DATA.models.length - 1));
  await shown.selectPlace(selected);
}

for (const button of all(".choose")) button.addEventListener("click", () => showModel(Number(button.dataset.model)));
for (const button of all(".pick")) {
  button.addEventListener("click", async () => {
    const shown = await showModel(Number(button.dataset.model));
    if (button.getAttribute("aria-pressed") === "true") shown.clear();
    else shown.selectFinding(Number(button.dataset.finding));
  });
}

// A click anywhere on a finding's card selects it; words can still be marked, and evidence opened.
for (const card of all(".finding")) {
  card.addEventListener("click", (event) => {
    const button = card.querySelector(".pick");
    const other = event.target instanceof Element ? event.target.closest("button, summary, a, details") : null;
    if (button instanceof HTMLElement && !other && !getSelection()?.toString()) button.click();
  });
}

addEventListener("hashchange", followAddress);
addEventListener("keydown", (event) => {
  if (event.key === "Escape") app?.clear();
  if (event.key === "/" && event.target !== search.input) {
    event.preventDefault();
    search.input.focus();
  }
});

/** @type {HTMLDetailsElement[]} */
let unfolded = [];
/** @param {boolean} on */
const paper = (on) => app?.seen.forEach((key) => app?.pictures[key]?.forPaper(on));
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("details")].filter((each) => !each.open && !each.classList.contains("keys"));
  for (const each of unfolded) each.open = true;
  paper(true);
});
addEventListener("afterprint", () => {
  for (const each of unfolded) each.open = false;
  paper(false);
});

/** What the address says; without that, what breaks a contract, if the pictures are beside the words. */
async function begin() {
  const asked = location.hash.length > 1;
  await followAddress();
  const broken = document.querySelector(".why .pick");
  if (!asked && broken instanceof HTMLElement && !matchMedia("(max-width: 900px)").matches) broken.click();
}

if (DATA.models.length) begin();
else document.documentElement.dataset.ready = "true";
