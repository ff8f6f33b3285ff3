// --- panels.mjs: details of what is selected, and search -------------------------------------------------------------

import { html, number } from "./elements.mjs";
import { STATUS, STATUSES, byId } from "./page.mjs";

/** @import {App} from "./main.mjs" */
/** @import {DrawnGraph, LayerGraph} from "./data.mjs" */
/** @import {Picture} from "./picture.mjs" */
/** @import {Arrow, DrawnKey, End, Finding, GraphEdge, Key} from "./types" */

const ROWS_SHOWN = 60;

/** @param {number} status */
function tag(status) {
  const element = html("span", { class: `tag tone-${STATUSES[status].tone}` }, STATUSES[status].letter || "·");
  element.title = STATUSES[status].label;
  return element;
}

/**
 * A list that shows its first rows, and more on demand: a nested model may have thousands of ops.
 *
 * @template T
 * @param {T[]} items
 * @param {(item: T) => Node} make
 * @param {number} [shown]
 */
function rows(items, make, shown = ROWS_SHOWN) {
  const list = html("ul", { class: "rows" });
  let next = 0;
  const more = () => {
    const upTo = Math.min(next + shown, items.length);
    for (; next < upTo; next += 1) list.append(html("li", {}, make(items[next])));
    if (next < items.length) {
      const button = html("button", { type: "button", class: "act" }, `${(items.length - next).toLocaleString("en")} more`);
      const item = html("li", {}, button);
      button.addEventListener("click", () => {
        item.remove();
        more();
      });
      list.append(item);
    }
  };
  more();
  return list;
}

export class Details {
  element = byId("details");

  /** @param {App} app */
  constructor(app) {
    this.app = app;
  }

  clear() {
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  /**
   * @param {string} title
   * @param {string} what
   * @param {Node[]} acts
   * @param {...Node[]} parts
   */
  fill(title, what, acts, ...parts) {
    const close = html("button", { type: "button", class: "act", "aria-label": "Clear the selection", onclick: () => this.app.clear() }, "×");
    this.element.replaceChildren(
      html("div", { class: "head" }, html("h2", { id: "details-title" }, title), close),
      html("p", { class: "what" }, what),
      html("div", { class: "acts" }, ...acts),
      ...parts.flat(),
    );
    this.element.hidden = false;
    this.element.scrollIntoView({ block: "nearest" });
  }

  /**
   * @template T
   * @param {string} title
   * @param {T[]} items
   * @param {(item: T) => Node} make
   */
  part(title, items, make) {
    return items.length ? [html("h3", {}, `${title} (${items.length.toLocaleString("en")})`), rows(items, make)] : [];
  }

  /**
   * @param {string} label
   * @param {() => void} onclick
   */
  act(label, onclick) {
    return html("button", { type: "button", class: "act", onclick }, label);
  }

  /**
   * @param {Picture} picture
   * @param {number} row
   */
  opening(picture, row) {
    if (!picture.graph.canOpen(row)) return [];
    return [this.act(picture.graph.opened.has(row) ? "Close this box" : "Open this box", () => picture.toggle(row))];
  }

  /**
   * @param {string} text
   * @param {string} small
   * @param {number | null} status
   * @param {() => void} onclick
   */
  link(text, small, status, onclick) {
    return html("button", { type: "button", class: "row", onclick }, ...(status === null ? [] : [tag(status)]), text, " ", html("small", {}, small));
  }

  /** @param {number} op */
  op(op) {
    const { model } = this.app;
    return html("span", { class: "row" }, html("code", {}, model.opName(op)), " ", html("small", {}, model.opType(op)));
  }

  /** @param {(finding: Finding) => boolean} test */
  findingsOn(test) {
    const { app } = this;
    return this.part("Findings", app.model.findings.map((finding, place) => ({ finding, place })).filter(({ finding }) => test(finding)), ({ finding, place }) =>
      this.link(`${finding.code} ${finding.rule}`.trim(), finding.verdict, finding.verdict in STATUS ? STATUS[finding.verdict] : null, () => app.selectFinding(place)));
  }

  /**
   * Edges of a graph with one end within a selection and the other outside of it.
   *
   * @param {LayerGraph | DrawnGraph} graph
   * @param {End} end
   * @param {(row: number) => boolean} mine Whether that end is part of the selection.
   * @param {Set<number>} inside
   */
  leaving(graph, end, mine, inside) {
    const other = end === "source" ? "target" : "source";
    return graph.edges.map((edge, place) => ({ edge, place })).filter(({ edge }) => mine(edge[end]) && !inside.has(edge[other]));
  }

  /** @param {number} row */
  layer(row) {
    const { app } = this;
    const graph = app.model.layers;
    const picture = app.pictures.layers;
    if (!graph || !picture) return;
    const inside = graph.within(row);
    /** @param {number} at */
    const mine = (at) => inside.has(at);
    /** @param {End} end */
    const link = (end) => (/** @type {{edge: GraphEdge, place: number}} */ { edge, place }) =>
      this.layerEdgeLink(graph, place, inside.size > 1 ? this.way(graph, edge) : graph.name(edge[end]));
    this.fill(
      graph.name(row), graph.facts(row).join(" · "), this.opening(picture, row),
      this.part("Settings", row < graph.own ? (graph.data.settings[row] ?? []) : [], (text) => html("span", { class: "row" }, text)),
      this.findingsOn((finding) => finding.layers.some(mine) || finding.edges.some((at) => mine(graph.edges[at].source) || mine(graph.edges[at].target))),
      this.part("In from", this.leaving(graph, "target", mine, inside), link("source")),
      this.part("Out to", this.leaving(graph, "source", mine, inside), link("target")),
      this.part("Ops", app.model.opsBelow(row), (op) => this.op(op)),
    );
  }

  /**
   * @param {LayerGraph | DrawnGraph} graph
   * @param {Arrow} edge
   */
  way(graph, edge) {
    return `${graph.name(edge.source)} → ${graph.name(edge.target)}`;
  }

  /**
   * @param {LayerGraph} graph
   * @param {number} place
   * @param {string} name
   */
  layerEdgeLink(graph, place, name) {
    const { status } = graph.edges[place];
    const carries = graph.carries(place);
    const words = carries ? `${STATUSES[status].label}; carries ${carries}` : STATUSES[status].label;
    return this.link(name, words, status, () => this.app.selectLayerEdges([place]));
  }

  /**
   * @param {DrawnKey} key
   * @param {number} row
   */
  box(key, row) {
    const { app } = this;
    const { model } = app;
    const graph = model[key];
    const picture = app.pictures[key];
    if (!graph || !picture) return;
    const inside = graph.within(row);
    const folded = row >= graph.own;
    // An arrow ends at this very box, or at one of those that this page folded into it.
    /** @param {number} at */
    const mine = (at) => at === row || (folded && inside.has(at));
    /** @param {End} end */
    const link = (end) => (/** @type {{edge: GraphEdge, place: number}} */ { edge, place }) =>
      this.arrowLink(key, graph, place, folded ? this.way(graph, edge) : graph.name(edge[end]));
    /** @param {number} arrow */
    const touches = (arrow) => inside.has(graph.edges[arrow].source) || inside.has(graph.edges[arrow].target);
    const ops = model.opsWithin(row, key);
    const owners = key === "drawn" ? model.ownersOf(ops) : model.layersOfRepaired(row, inside);
    const { layers } = model;
    this.fill(
      graph.name(row), graph.facts(row).join(" · "), this.opening(picture, row),
      this.findingsOn((finding) => (key === "drawn" && finding.boxes.some((at) => inside.has(at))) || app.arrowsOf(finding.edges, key).some(touches)),
      layers ? this.part(key === "drawn" ? "Holds ops of" : "Layers", owners, (owner) => this.link(layers.name(owner), layers.sub(owner), null, () => app.selectBox("layers", owner))) : [],
      this.part("In from", this.leaving(graph, "target", mine, inside), link("source")),
      this.part("Out to", this.leaving(graph, "source", mine, inside), link("target")),
      this.part(key === "drawn" ? "Ops" : "Ops, as they were called", ops, (op) => this.op(op)),
    );
  }

  /**
   * @param {DrawnKey} key
   * @param {DrawnGraph} graph
   * @param {number} place
   * @param {string} name
   */
  arrowLink(key, graph, place, name) {
    const { layers } = this.app.model;
    const edge = graph.edges[place];
    const carried = layers ? this.app.edgesOf([place], key).flatMap((row) => layers.carries(row).split(", ")) : [];
    const carries = [...new Set(carried.filter(Boolean))].join(", ");
    const words = [this.counts(graph, place), carries && `carries ${carries}`, edge.quiet ? "not drawn as an arrow" : ""];
    return this.link(name, words.filter(Boolean).join("; "), edge.status, () => this.app.selectArrows(key, [place]));
  }

  /**
   * @param {DrawnGraph} graph
   * @param {number} place
   */
  counts(graph, place) {
    const { regular, control, reference } = graph.data.edges;
    if (place >= regular.length) return "missing: TensorBoard draws no such arrow";
    const kinds = [
      { count: regular[place], one: "tensor", many: "tensors" },
      { count: control[place], one: "control dependency", many: "control dependencies" },
      { count: reference[place], one: "reference", many: "references" },
    ];
    return kinds.filter(({ count }) => count).map(({ count, one, many }) => number(count, one, many)).join(", ");
  }

  /** @param {number[]} places */
  layerEdges(places) {
    const { app } = this;
    const graph = app.model.layers;
    if (!graph) return;
    const [first] = places;
    const edge = graph.edges[first];
    const crossings = places.flatMap((place) => [...(app.model.crossingsOf.get(place) ?? [])]);
    const several = places.length > 1;
    const status = STATUSES[Math.max(...places.map((place) => graph.edges[place].status))];
    const carries = graph.carries(first);
    this.fill(
      several ? number(places.length, "layer edge") : this.way(graph, edge),
      several ? status.label : [`${status.label}: ${status.about}.`, carries ? `Carries ${carries}.` : "", `${number(graph.data.edges.op_edges[first], "op edge")}.`].filter(Boolean).join(" "),
      [],
      this.findingsOn((finding) => places.some((place) => finding.edges.includes(place))),
      several ? this.part("Layer edges", places, (place) => this.layerEdgeLink(graph, place, this.way(graph, graph.edges[place]))) : this.ends("layers", graph, edge),
      this.part("Op edges", crossings, (place) => this.crossing(place)),
    );
  }

  /**
   * @param {DrawnKey} key
   * @param {number[]} places
   */
  arrows(key, places) {
    const { app } = this;
    const { [key]: graph, layers } = app.model;
    if (!graph) return;
    const [first] = places;
    const edge = graph.edges[first];
    const layerEdges = app.edgesOf(places, key);
    const several = places.length > 1;
    const status = STATUSES[Math.max(...places.map((place) => graph.edges[place].status))];
    this.fill(
      several ? number(places.length, "arrow") : this.way(graph, edge),
      [status.letter || status.id === "aside" ? `${status.label}: ${status.about}.` : "", several ? "" : this.counts(graph, first)].filter(Boolean).join(" "),
      [],
      this.findingsOn((finding) => layerEdges.some((place) => finding.edges.includes(place))),
      several ? this.part("Arrows", places, (place) => this.arrowLink(key, graph, place, this.way(graph, graph.edges[place]))) : this.ends(key, graph, edge),
      layers ? this.part("Layer edges", layerEdges, (place) => this.layerEdgeLink(layers, place, this.way(layers, layers.edges[place]))) : [],
    );
  }

  /**
   * @param {Key} key
   * @param {LayerGraph | DrawnGraph} graph
   * @param {Arrow} edge
   */
  ends(key, graph, edge) {
    return this.part("Between", [edge.source, edge.target], (row) => this.link(graph.name(row), graph.sub(row), null, () => this.app.selectBox(key, row)));
  }

  /** @param {number} place */
  crossing(place) {
    const { model } = this.app;
    const { source, target, output } = model.data.crossings;
    const what = output[place] < 0 ? "control dependency" : `output ${output[place]}`;
    return html("span", { class: "row" }, html("code", {}, model.opName(source[place])), ` (${model.opType(source[place])}, ${what}) → `, html("code", {}, model.opName(target[place])), ` (${model.opType(target[place])})`);
  }
}

const HITS_SHOWN = 40;

/** @typedef {{kind: string, name: string, small: string, rank: number, act: () => void}} Hit */

export class Search {
  /** @type {App | null} */
  app = null; // of the model that is shown
  input = /** @type {HTMLInputElement} */ (byId("search"));
  list = byId("hits");
  soon = 0;

  constructor() {
    this.input.addEventListener("input", () => {
      clearTimeout(this.soon);
      this.soon = window.setTimeout(() => this.look(), 120);
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.input.value) {
        event.stopPropagation();
        this.clear();
      }
      if (event.key === "Enter" || event.key === "ArrowDown") {
        event.preventDefault();
        this.look();
        const first = this.list.querySelector("button");
        if (first && event.key === "Enter") first.click();
        else first?.focus();
      }
    });
    this.list.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.input.focus();
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      event.preventDefault();
      const item = event.target instanceof Element ? event.target.closest("li") : null;
      const next = event.key === "ArrowDown" ? item?.nextElementSibling : item?.previousElementSibling;
      (next?.querySelector("button") ?? this.input).focus();
    });
    this.input.form?.addEventListener("submit", (event) => event.preventDefault());
  }

  clear() {
    this.input.value = "";
    this.list.hidden = true;
  }

  look() {
    clearTimeout(this.soon);
    const words = this.input.value.toLowerCase().trim();
    this.list.hidden = !words;
    if (!words || !this.app) return;
    const { hits, all } = this.find(this.app, words);
    this.list.replaceChildren(
      ...hits.map(({ kind, name, small, act }) => html("li", {}, html("button", { type: "button", class: "row", onclick: act }, name, " ", html("small", {}, `${kind} · ${small}`)))),
      ...(all > hits.length ? [html("li", {}, html("p", {}, `and ${number(all - hits.length, "more hit")}; type more of the name`))] : []),
      ...(all ? [] : [html("li", {}, html("p", {}, "Nothing has this name, class or type."))]),
    );
    this.app.say(number(all, "hit"));
  }

  /**
   * Layers first, then boxes, then ops; in each, names that begin with the words come first.
   *
   * @param {App} app
   * @param {string} words
   */
  find(app, words) {
    const { model } = app;
    /** @type {Hit[][]} */
    const found = [[], [], []];
    let all = 0;
    /**
     * @param {number} place
     * @param {string} name
     * @param {string} other
     * @param {Pick<Hit, "kind" | "small" | "act">} hit
     */
    const test = (place, name, other, hit) => {
      const low = name.toLowerCase();
      const at = low.indexOf(words);
      if (at < 0 && !other.toLowerCase().includes(words)) return;
      all += 1;
      const rank = low === words ? 0 : at === 0 ? 1 : at > 0 ? 2 : 3;
      if (found[place].length < HITS_SHOWN || rank < 2) found[place].push({ rank, name, ...hit });
    };
    if (model.layers) {
      for (let row = 0; row < model.layers.own; row += 1) {
        test(0, model.layers.name(row), model.layers.className(row), { kind: model.layers.things, small: model.layers.sub(row), act: () => app.goTo("layers", row) });
      }
    }
    if (model.drawn) {
      for (let row = 0; row < model.drawn.own; row += 1) {
        if (row === model.drawn.data.root || model.drawn.data.types[row] === 1) continue;
        test(1, model.drawn.name(row), "", { kind: "box", small: model.drawn.sub(row), act: () => app.goTo("drawn", row) });
      }
    }
    if (model.ops) {
      for (let op = 0; op < model.ops.names.length; op += 1) {
        test(2, model.opName(op), model.opType(op), { kind: "op", small: model.opType(op), act: () => app.goToOp(op) });
      }
    }
    for (const hits of found) hits.sort((left, right) => left.rank - right.rank);
    return { hits: found.flatMap((hits) => hits.slice(0, HITS_SHOWN / 2)).slice(0, HITS_SHOWN), all };
  }
}
