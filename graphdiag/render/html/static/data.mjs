// --- data.mjs: the page's data as two graphs of boxes within boxes ---------------------------------------------------
// Both pictures are drawn from a `Graph`: nodes known by row, each within another or at the top (-1), and edges with a
// status from the table. What this page folds together, as twelve layers in a row, is a node of its own.

import { number } from "./elements.mjs";
import { ASIDE_LIMIT, AT_ONCE, HANDLES_LIMIT, LEVEL_LIMIT, OPEN_LIMIT, fold, valueOf } from "./folding.mjs";

/** @import {Arrow, DrawnData, DrawnKey, GraphEdge, Item, LayerData, ModelData, RepairedData, Status, Table, Visible, VisibleBox, VisibleEdge} from "./types" */

/** @param {string} what */
export const plural = (what) => (what === "box" ? "boxes" : `${what}s`);

/**
 * Numbers of the statuses by their ids.
 *
 * @param {Status[]} statuses
 * @returns {Record<string, number>}
 */
export const statusNumbers = (statuses) => Object.fromEntries(statuses.map((status, place) => [status.id, place]));

/**
 * A long name keeps its beginning and its end, which tell it from its neighbors.
 *
 * @param {string} text
 * @param {number} [most] Characters.
 */
export function shorten(text, most = 30) {
  const letters = Array.from(text);
  if (letters.length <= most) return text;
  const end = Math.floor((most - 1) / 2);
  return `${letters.slice(0, most - 1 - end).join("")}…${letters.slice(-end).join("")}`;
}

class Graph {
  title = "";
  about = "";
  things = "";
  lines = "";
  all = 0; // how many boxes there are to see; 0 where that is not said
  /** @type {Set<number>} */
  ends = new Set();
  /** @type {Map<number, {kind: string, leaves: number[]}>} */
  groups = new Map();
  /** @type {Map<number, number[]>} */
  children = new Map();
  /** @type {Set<number>} */
  opened = new Set();
  /** @type {Set<number>} */
  folded = new Set(); // rows whose level has been folded, if it had to be

  /**
   * @param {number[]} parents
   * @param {GraphEdge[]} edges
   * @param {Table} table
   */
  constructor(parents, edges, table) {
    this.parents = parents;
    this.edges = edges;
    this.table = table;
    this.own = parents.length; // rows from here on are folded by this page
    parents.forEach((parent, row) => this.childrenOf(parent).push(row));
  }

  /**
   * What a box shows first.
   *
   * @param {number} row
   * @returns {string}
   */
  label(row) {
    return groupLabel(this, row);
  }

  /**
   * @param {number} row
   * @returns {string}
   */
  name(row) {
    return groupName(this, row);
  }

  /**
   * The row of a name, or -1. What this page folded cannot be found so.
   *
   * @param {string} name
   */
  rowOf(name) {
    for (let row = 0; row < this.own; row += 1) if (this.name(row) === name) return row;
    return -1;
  }

  /**
   * What a box shows below its label.
   *
   * @param {number} row
   * @returns {string}
   */
  sub(row) {
    return groupSub(this, row);
  }

  /**
   * @param {number} row
   * @returns {string[]}
   */
  facts(row) {
    return [`${groupSub(this, row)}, folded by this page`];
  }

  /**
   * @param {number} row
   * @returns {number[]}
   */
  childrenOf(row) {
    const known = this.children.get(row);
    if (known) return known;
    /** @type {number[]} */
    const none = [];
    this.children.set(row, none);
    return none;
  }

  /**
   * Whether an edge needs attention.
   *
   * @param {{status: number}} edge
   */
  differs(edge) {
    return this.table.statuses[edge.status].letter !== "";
  }

  /** @param {number} row */
  canOpen(row) {
    return (this.children.get(row) ?? []).length > 0;
  }

  /**
   * A row and all that is within it, at every depth.
   *
   * @param {number} row
   */
  within(row) {
    const found = new Set([row]);
    for (const at of found) for (const child of this.children.get(at) ?? []) found.add(child);
    return found;
  }

  /**
   * Puts nodes that stand side by side into a node of their own, at the place of the first.
   *
   * @param {string} kind
   * @param {number[]} members
   */
  group(kind, members) {
    const parent = this.parents[members[0]];
    const inside = new Set(members);
    const siblings = this.childrenOf(parent);
    const place = siblings.findIndex((sibling) => inside.has(sibling));
    const row = this.newGroup(kind, members, parent);
    const left = siblings.filter((sibling) => !inside.has(sibling));
    left.splice(place, 0, row);
    this.children.set(parent, left);
    return row;
  }

  /**
   * @param {string} kind
   * @param {number[]} members
   * @param {number} parent
   */
  newGroup(kind, members, parent) {
    const row = this.parents.length;
    this.parents.push(parent);
    this.children.set(row, members);
    for (const member of members) this.parents[member] = row;
    this.groups.set(row, { kind, leaves: this.leaves(row) });
    return row;
  }

  /**
   * Rows of the graph itself that a folded node stands for.
   *
   * @param {number} row
   * @returns {number[]}
   */
  leaves(row) {
    return row < this.own ? [row] : this.childrenOf(row).flatMap((child) => this.leaves(child));
  }

  /**
   * The box on screen that shows a row: the outermost closed one around it, or itself.
   *
   * @param {number} row
   */
  shownBy(row) {
    let found = row;
    for (let at = this.parents[row]; at >= 0; at = this.parents[at]) if (!this.opened.has(at)) found = at;
    return found;
  }

  /**
   * Opens all boxes around a row.
   *
   * @param {number} row
   * @returns {boolean} Whether one of them was closed.
   */
  reveal(row) {
    let changed = false;
    for (let at = this.parents[row]; at >= 0; at = this.parents[at]) {
      if (!this.opened.has(at)) changed = true;
      this.open(at);
    }
    return changed;
  }

  /** @param {number} row */
  open(row) {
    this.opened.add(row);
    this.foldInside(row);
  }

  /** @param {number} row */
  close(row) {
    this.opened.delete(row);
  }

  /** Closed boxes on screen that can be opened; those that hold what stands aside come last. */
  closed() {
    /** @param {number} row */
    const late = (row) => Number(["many", "handles", "library"].includes(this.groups.get(row)?.kind ?? ""));
    return this.visible().boxes.filter((row) => this.canOpen(row)).sort((left, right) => late(left) - late(right));
  }

  /**
   * Opens all boxes, level by level, until so many more are on screen that they take long to lay out.
   *
   * @param {number} [most] How many more.
   * @returns {number} How many boxes are left closed.
   */
  openAll(most = AT_ONCE) {
    let room = most;
    for (let closed = this.closed(); closed.length; closed = this.closed()) {
      for (const row of closed) {
        if (room <= 0) return this.closed().length;
        this.open(row);
        room -= this.childrenOf(row).length;
      }
    }
    return 0;
  }

  /**
   * Folds what stands directly within a row (-1: at the top), once, when there is too much of it.
   *
   * @param {number} row
   */
  foldInside(row) {
    if (this.folded.has(row) || this.groups.has(row)) return;
    this.folded.add(row);
    const units = [...this.childrenOf(row)];
    if (units.length <= LEVEL_LIMIT) return;
    const level = this.edgesInside(row);
    /** @type {Set<number>} */
    const pinned = new Set();
    for (const edge of level) {
      if (this.differs(this.edges[edge.row])) pinned.add(edge.source).add(edge.target);
    }
    if (pinned.size > LEVEL_LIMIT) pinned.clear();
    const firm = level.filter((edge) => this.edges[edge.row].firm);
    const items = fold(units, firm, pinned, LEVEL_LIMIT);
    this.children.set(row, items.map((item) => this.groupItem(item, row)));
  }

  /**
   * @param {Item} item
   * @param {number} parent
   * @returns {number}
   */
  groupItem(item, parent) {
    if (typeof item === "number") return item;
    return this.newGroup(item.kind, item.items.map((inner) => this.groupItem(inner, parent)), parent);
  }

  /**
   * Edges between nodes that stand directly within a row.
   *
   * @param {number} row
   */
  edgesInside(row) {
    /** @param {number} end */
    const at = (end) => {
      let found = end;
      while (found >= 0 && this.parents[found] !== row) found = this.parents[found];
      return found;
    };
    /** @type {(Arrow & {row: number})[]} */
    const found = [];
    this.edges.forEach((edge, place) => {
      const source = at(edge.source);
      const target = at(edge.target);
      if (!edge.quiet && source >= 0 && target >= 0 && source !== target) found.push({ source, target, row: place });
    });
    return found;
  }

  /**
   * What is to be drawn: closed boxes, opened ones with what is in them, and edges that stand for those between them.
   *
   * @returns {Visible}
   */
  visible() {
    /** @type {number[]} */
    const boxes = [];
    /**
     * @param {number} row
     * @returns {VisibleBox}
     */
    const walk = (row) => {
      if (this.opened.has(row) && this.canOpen(row)) return { row, inside: this.childrenOf(row).map(walk) };
      boxes.push(row);
      return { row, inside: null };
    };
    const root = { row: -1, inside: this.childrenOf(-1).map(walk) };
    /** @type {Map<string, VisibleEdge>} */
    const edges = new Map();
    this.edges.forEach((edge, row) => {
      if (edge.quiet) return;
      const source = this.shownBy(edge.source);
      const target = this.shownBy(edge.target);
      if (source === target) return;
      const key = `${source} ${target}`;
      const found = edges.get(key) ?? { source, target, status: 0, firm: false, rows: [] };
      edges.set(key, found);
      found.rows.push(row);
      found.status = Math.max(found.status, edge.status);
      found.firm ||= edge.firm;
    });
    return { boxes, root, edges: [...edges.values()] };
  }
}

export class LayerGraph extends Graph {
  /**
   * @param {LayerData} data
   * @param {Table} table
   */
  constructor(data, table) {
    const { source, target, status, in_model } = data.edges;
    super(
      [...data.parents],
      source.map((from, row) => ({ source: from, target: target[row], status: status[row], firm: Boolean(in_model[row] || !data.recorded) })),
      table,
    );
    this.data = data;
    this.title = data.recorded ? "Layer graph" : "Name scopes";
    this.about = data.recorded ? "what you wrote, as Keras records it" : "taken for layers: there is no layer graph";
    this.things = data.recorded ? "layer" : "scope";
    this.lines = "edge";
    this.all = data.kinds.filter((kind) => kind !== 1).length;
    this.ends = new Set([...data.inputs, ...data.outputs]);
    if (this.own <= OPEN_LIMIT) data.kinds.forEach((kind, row) => kind === 1 && this.open(row));
  }

  /**
   * What is said of visible edges that Keras does not have.
   *
   * @param {VisibleEdge[]} edges
   */
  others(edges) {
    return edges.length ? [`${edges.length.toLocaleString("en")} in the op graph only`] : [];
  }

  /**
   * @override
   * @param {number} row
   */
  name(row) {
    return row < this.own ? this.data.names[row] : super.name(row);
  }

  /**
   * @override
   * @param {number} row
   */
  label(row) {
    return row < this.own ? this.data.labels[row] : super.label(row);
  }

  /** @param {number} row */
  className(row) {
    return this.data.classes[row] < 0 ? "" : this.data.class_names[this.data.classes[row]];
  }

  /**
   * @override
   * @param {number} row
   */
  sub(row) {
    if (row >= this.own) return super.sub(row);
    const parts = [this.className(row)];
    if (this.canOpen(row)) parts.push(number(this.childrenOf(row).length, "layer"));
    if (this.table.shapes) parts.push(this.data.shapes[row]);
    return parts.filter(Boolean).join(" · ");
  }

  /**
   * @override
   * @param {number} row
   */
  facts(row) {
    if (row >= this.own) return super.facts(row);
    const { calls, shapes, parameters, inputs, outputs, kinds } = this.data;
    const weights = parameters[row];
    return [
      this.className(row) || ["layer", "nested model", "name scope"][kinds[row]],
      kinds[row] === 1 ? "nested model" : "",
      shapes[row],
      weights === null ? "" : number(weights, "parameter"),
      calls[row] > 1 ? `called ${calls[row]} times` : "",
      inputs.includes(row) ? "input of the model" : "",
      outputs.includes(row) ? "gives an output of the model" : "",
      this.data.lines[row] ? `made in ${this.data.lines[row]}` : "",
    ].filter(Boolean);
  }

  /**
   * What an edge carries.
   *
   * @param {number} edge
   */
  carries(edge) {
    return this.data.edges.carried[this.data.edges.carries[edge]];
  }
}

export class DrawnGraph extends Graph {
  /**
   * @param {DrawnData} data
   * @param {Table} table
   * @param {boolean} [repaired]
   */
  constructor(data, table, repaired = false) {
    const { source, target, left, regular, control } = data.edges;
    super(
      data.parents.map((parent) => (parent === data.root ? -1 : parent)),
      source.map((from, row) => ({
        source: from,
        target: target[row],
        status: 0,
        firm: Boolean(left[row]),
        // TensorBoard shows no arrow here; it is drawn when a finding is about it.
        quiet: !left[row],
        dashed: !regular[row] && control[row] > 0,
      })),
      table,
    );
    this.data = data;
    this.title = repaired ? "Repaired graph" : "Drawn graph";
    this.about = repaired ? "what TensorBoard makes of the same ops after graphdiag repair" : "what TensorBoard makes of the op graph on screen";
    this.things = "box";
    this.lines = "arrow";
    this.whole = new Set(data.whole);
    this.home = [...this.parents]; // as TensorBoard has them, before anything is folded here
    /** @type {Map<number, string>} */
    this.names = new Map();
    this.why = new Map(data.aside.map((row, place) => [row, data.why[place]]));
    this.children.set(-1, this.childrenOf(-1).filter((row) => row !== data.root));
    const handles = new Set(data.handles ?? []);
    const aside = new Set(data.aside);
    this.foldHandles([...handles].filter((row) => this.parents[row] === -1 && !aside.has(row)));
    for (const [kind, rows] of Object.entries({ aside: data.aside, library: data.library })) {
      if (!rows.length) continue;
      const folded = this.foldHandles(rows.filter((row) => handles.has(row)));
      const unfolded = folded.length ? rows.filter((row) => !handles.has(row)) : rows;
      const single = unfolded.filter((row) => data.types[row] === 1);
      const many = unfolded.length > ASIDE_LIMIT && single.length > 3 ? [this.group("many", single)] : [];
      const members = [...(many.length ? unfolded.filter((row) => data.types[row] !== 1) : unfolded), ...folded, ...many];
      const row = this.group(kind, members);
      if (members.length <= ASIDE_LIMIT) this.opened.add(row);
    }
    this.byEnds = new Map(source.map((from, row) => [`${from} ${target[row]}`, row]));
  }

  /**
   * Puts handles of variables into one box, if they are many.
   *
   * @param {number[]} rows That stand side by side.
   * @returns {number[]} The box, or nothing.
   */
  foldHandles(rows) {
    return rows.length > HANDLES_LIMIT ? [this.group("handles", rows)] : [];
  }

  /**
   * @override
   * @param {number} row
   * @returns {string}
   */
  name(row) {
    if (row >= this.own) return super.name(row);
    const known = this.names.get(row);
    if (known !== undefined) return known;
    let around = this.home[row];
    while (around >= 0 && this.data.types[around] === 2) around = this.home[around];
    const label = this.data.labels[row];
    const name = around < 0 || this.whole.has(row) ? label : `${this.name(around)}/${label}`;
    this.names.set(row, name);
    return name;
  }

  /**
   * @override
   * @param {number} row
   */
  label(row) {
    return row < this.own ? this.data.labels[row] : super.label(row);
  }

  /**
   * What is said of visible edges for which TensorBoard shows no arrow.
   *
   * @param {VisibleEdge[]} edges
   */
  others(edges) {
    const missing = edges.filter((edge) => edge.rows.every((row) => this.edges[row].missing)).length;
    const stubs = edges.length - missing;
    return [...(stubs ? [`${number(stubs, "stub")} in place of arrows`] : []), ...(missing ? [`${missing.toLocaleString("en")} missing`] : [])];
  }

  /** @param {number} row */
  opType(row) {
    return row < this.own && this.data.ops[row] >= 0 ? this.data.op_types[this.data.ops[row]] : "";
  }

  /**
   * @override
   * @param {number} row
   */
  canOpen(row) {
    return (row >= this.own || this.data.types[row] !== 1) && super.canOpen(row);
  }

  /**
   * @override
   * @param {number} row
   */
  sub(row) {
    if (row >= this.own) return super.sub(row);
    const ops = number(this.data.cardinalities[row], "op");
    return this.data.types[row] === 1 ? this.opType(row) : this.data.types[row] === 2 ? `series, ${ops}` : ops;
  }

  /**
   * @override
   * @param {number} row
   */
  facts(row) {
    if (row >= this.own) {
      const { kind } = valueOf(this.groups, row);
      if (kind === "aside") return ["TensorBoard took these out of the main graph"];
      if (kind === "library") return ["library functions"];
      if (kind === "handles") return [super.sub(row), "variables that the traced function takes as arguments", "folded by this page"];
      return super.facts(row);
    }
    const kind = ["metanode", "op", "series node"][this.data.types[row]];
    const what = this.data.types[row] === 1 ? this.opType(row) : number(this.data.cardinalities[row], "op");
    const why = this.why.get(row);
    return [kind, what, why ? `under "Auxiliary Nodes": ${why}` : ""].filter(Boolean);
  }

  /**
   * A row and all boxes around it as TensorBoard has them, the innermost first.
   *
   * @param {number} row
   */
  wayUp(row) {
    const way = [];
    for (let at = row; at >= 0; at = this.home[at]) way.push(at);
    return way;
  }

  /**
   * The arrow that stands for an edge between two ops: it lies where their ways to the top meet.
   *
   * @param {number} source Row of an op's box.
   * @param {number} target
   */
  arrow(source, target) {
    const ways = [this.wayUp(source), this.wayUp(target)];
    let [left, right] = [ways[0].length - 1, ways[1].length - 1];
    while (left > 0 && right > 0 && ways[0][left] === ways[1][right]) {
      left -= 1;
      right -= 1;
    }
    return this.byEnds.get(`${ways[0][left]} ${ways[1][right]}`);
  }
}

/** @type {Record<string, (count: number, what: string) => string>} */
const GROUPS = {
  run: (count, what) => `${number(count, what, plural(what))} in a row`,
  block: (count, what) => `block of ${number(count, what, plural(what))}`,
  part: (count, what) => `part of ${number(count, what, plural(what))}`,
  apart: (count, what) => `${number(count, what, plural(what))} without arrows`,
  many: (count) => number(count, "op"),
  handles: (count) => number(count, "variable"),
  aside: (count, what) => number(count, what, plural(what)),
  library: (count, what) => number(count, what, plural(what)),
};

/**
 * @param {Graph} graph
 * @param {number} row
 */
function groupSub(graph, row) {
  const { kind, leaves } = valueOf(graph.groups, row);
  return GROUPS[kind](leaves.length, graph.things);
}

/**
 * @param {Graph} graph
 * @param {number} row
 */
function groupLabel(graph, row) {
  const { kind, leaves } = valueOf(graph.groups, row);
  if (kind === "aside") return "Auxiliary nodes";
  if (kind === "library") return "Functions";
  if (kind === "handles") return "Captured variables";
  return `${shorten(graph.label(leaves[0]), 14)} … ${shorten(graph.label(leaves[leaves.length - 1]), 16)}`;
}

/**
 * @param {Graph} graph
 * @param {number} row
 */
function groupName(graph, row) {
  const { kind, leaves } = valueOf(graph.groups, row);
  if (kind === "aside" || kind === "library" || kind === "handles") return groupLabel(graph, row);
  return `${graph.name(leaves[0])} … ${graph.name(leaves[leaves.length - 1])}`;
}

/**
 * Adds a value to the set of a key.
 *
 * @param {Map<number, Set<number>>} sets
 * @param {number} key
 * @param {number} value
 */
function add(sets, key, value) {
  sets.set(key, (sets.get(key) ?? new Set()).add(value));
}

/** What ties a drawn graph to the layer graph. Rows of layer edges, arrows, boxes and ops. */
class Ties {
  /** @type {Map<number, Set<number>>} */
  arrowsOf = new Map(); // layer edge -> arrows that stand for it
  /** @type {Map<number, Set<number>>} */
  edgesOf = new Map(); // arrow -> layer edges
  /** @type {Map<number, Set<number>>} */
  opsIn = new Map(); // box -> ops drawn by it

  /**
   * @param {number} edge
   * @param {number} arrow
   */
  tie(edge, arrow) {
    add(this.arrowsOf, edge, arrow);
    add(this.edgesOf, arrow, edge);
  }
}

/** One model: its graphs, and what ties them together. Rows of layer edges, layers, arrows, boxes and ops. */
export class Model {
  /** @type {Record<DrawnKey, Ties>} */
  ties = { drawn: new Ties(), repaired: new Ties() };
  /** @type {Map<number, Set<number>>} */
  crossingsOf = new Map(); // layer edge -> places in the columns of crossings
  /** @type {Map<number, Set<number>>} */
  opsOf = new Map(); // layer -> ops
  /** @type {DrawnGraph | null} */
  repaired = null;
  unrepaired = ""; // why there is no repaired graph; empty where there is one, or none is to be shown

  /**
   * @param {ModelData} data
   * @param {Table} table
   */
  constructor(data, table) {
    this.data = data;
    this.table = table;
    this.findings = data.findings;
    this.ops = data.ops;
    this.layers = data.layers && new LayerGraph(data.layers, table);
    this.drawn = data.drawn && new DrawnGraph(data.drawn, table);
    this.tie();
    if (data.repaired && "of_layer" in data.repaired) this.repaired = this.tieRepaired(data.repaired);
    else if (data.repaired) this.unrepaired = data.repaired.why;
    this.layers?.foldInside(-1);
    this.drawn?.foldInside(-1);
    this.repaired?.foldInside(-1);
    this.openModel();
  }

  /** Opens the boxes that hold most of the layers, one within another: the first look shows the model. */
  openModel() {
    const { drawn, layers } = this;
    if (!drawn || !layers) return;
    const own = [...this.opsOf.keys()].filter((layer) => layers.data.kinds[layer] === 0);
    const ways = own.map((layer) => drawn.wayUp(this.homeOf(layer)).reverse());
    for (let depth = 0; ; depth += 1) {
      /** @type {Map<number, number>} */
      const counts = new Map();
      for (const way of ways) if (way.length > depth + 1) counts.set(way[depth], (counts.get(way[depth]) ?? 0) + 1);
      const [box, count] = [...counts].reduce((best, next) => (next[1] > best[1] ? next : best), [-1, 0]);
      if (count < 2 || count * 2 <= ways.length) return;
      drawn.reveal(box);
      drawn.open(box);
    }
  }

  get arrowsOf() {
    return this.ties.drawn.arrowsOf;
  }

  get edgesOf() {
    return this.ties.drawn.edgesOf;
  }

  tie() {
    const { layers, drawn, ops } = this;
    const { edge, source, target } = this.data.crossings;
    edge.forEach((row, place) => add(this.crossingsOf, row, place));
    if (!ops) return;
    ops.owners.forEach((owner, op) => {
      if (owner >= 0) add(this.opsOf, owner, op);
      if (ops.drawn[op] >= 0) add(this.ties.drawn.opsIn, ops.drawn[op], op);
    });
    if (!drawn || !layers) return;
    edge.forEach((row, place) => {
      const arrow = drawn.arrow(ops.drawn[source[place]], ops.drawn[target[place]]);
      if (arrow !== undefined) this.ties.drawn.tie(row, arrow);
    });
    this.giveStatus(layers, drawn);
    this.addMissing(layers, drawn);
  }

  /**
   * Arrows get the status of the layer edges that they stand for.
   *
   * @param {LayerGraph} layers
   * @param {DrawnGraph} drawn
   */
  giveStatus(layers, drawn) {
    const statuses = statusNumbers(this.table.statuses);
    const named = new Set(this.findings.flatMap((finding) => finding.edges));
    for (const [row, arrows] of this.arrowsOf) {
      const edge = layers.edges[row];
      for (const arrow of arrows.values()) {
        const shown = drawn.edges[arrow];
        if (shown.quiet && named.has(row)) {
          shown.quiet = false;
          shown.status = statuses.aside;
        }
        if (layers.differs(edge) && edge.status !== statuses.missing) shown.status = Math.max(shown.status, edge.status);
      }
    }
  }

  /**
   * The repaired graph. Its boxes are those of layers, so an arrow stands for the layer edges between two boxes.
   *
   * @param {RepairedData} data
   */
  tieRepaired(data) {
    const repaired = new DrawnGraph(data, this.table, true);
    const ties = this.ties.repaired;
    const { missing } = statusNumbers(this.table.statuses);
    data.of_op.forEach((box, op) => {
      if (box >= 0) add(ties.opsIn, box, op);
    });
    this.layers?.edges.forEach((edge, row) => {
      const [source, target] = [data.of_layer[edge.source], data.of_layer[edge.target]];
      if (source < 0 || target < 0 || source === target) return;
      const arrow = repaired.arrow(source, target);
      if (arrow !== undefined) {
        ties.tie(row, arrow);
        const shown = repaired.edges[arrow];
        if (this.layers?.differs(edge) && edge.status !== missing) shown.status = Math.max(shown.status, edge.status);
      } else if (this.data.layers?.edges.in_model[row]) {
        ties.tie(row, repaired.edges.length);
        repaired.edges.push({ source, target, status: missing, firm: false, missing: true });
      }
    });
    return repaired;
  }

  /**
   * The boxes of layers in the repaired graph.
   *
   * @param {Iterable<number>} layers
   */
  repairedBoxes(layers) {
    const { repaired } = this.data;
    const boxes = repaired && "of_layer" in repaired ? [...layers].map((row) => repaired.of_layer[row] ?? -1) : [];
    return boxes.filter((box) => box >= 0);
  }

  /**
   * The layers whose boxes are these, in the repaired graph, or which hold one of them.
   *
   * @param {number} row
   * @param {Set<number>} inside The box and all that is within it.
   */
  layersOfRepaired(row, inside) {
    const { repaired } = this.data;
    if (!this.repaired || !repaired || !("of_layer" in repaired)) return [];
    const around = new Set(row < this.repaired.own ? this.repaired.wayUp(row) : []);
    return repaired.of_layer.flatMap((box, layer) => (box >= 0 && (inside.has(box) || around.has(box)) ? [layer] : []));
  }

  /**
   * Where Keras has an edge and TensorBoard draws none, the picture says so between the boxes of the two layers.
   *
   * @param {LayerGraph} layers
   * @param {DrawnGraph} drawn
   */
  addMissing(layers, drawn) {
    const { missing } = statusNumbers(this.table.statuses);
    layers.edges.forEach((edge, row) => {
      if (edge.status !== missing || this.arrowsOf.has(row)) return;
      const [source, target] = [this.homeOf(edge.source), this.homeOf(edge.target)];
      if (source < 0 || target < 0 || source === target) return;
      this.arrowsOf.set(row, new Set([drawn.edges.length]));
      this.edgesOf.set(drawn.edges.length, new Set([row]));
      drawn.edges.push({ source, target, status: missing, firm: false, missing: true });
    });
  }

  /**
   * The innermost box that holds all ops of a layer; if that is the whole graph, the top box with most of them.
   *
   * @param {number} layer
   * @returns {number} Its row, or -1.
   */
  homeOf(layer) {
    const { drawn, ops } = this;
    if (!drawn || !ops) return -1;
    const ways = [...(this.opsOf.get(layer) ?? [])].map((op) => drawn.wayUp(ops.drawn[op]).reverse()).filter((way) => way.length);
    if (!ways.length) return -1;
    let depth = 0;
    while (ways.every((way) => depth < way.length && way[depth] === ways[0][depth])) depth += 1;
    if (depth) return ways[0][depth - 1];
    /** @type {Map<number, number>} */
    const counts = new Map();
    for (const way of ways) counts.set(way[0], (counts.get(way[0]) ?? 0) + 1);
    return [...counts].reduce((best, next) => (next[1] > best[1] ? next : best))[0];
  }

  /** @param {number} op */
  opName(op) {
    return this.ops?.names[op] || this.drawn?.name(this.ops?.drawn[op] ?? -1) || "";
  }

  /** @param {number} op */
  opType(op) {
    return this.ops ? this.ops.type_names[this.ops.types[op]] : "";
  }

  /**
   * Ops within a box, at every depth.
   *
   * @param {number} row
   * @param {DrawnKey} [key]
   */
  opsWithin(row, key = "drawn") {
    return gathered(row, this[key], this.ties[key].opsIn);
  }

  /**
   * Ops of a layer, or of all layers within a nested model or a folded box.
   *
   * @param {number} row
   */
  opsBelow(row) {
    return gathered(row, this.layers, this.opsOf);
  }

  /**
   * Layers to which these ops belong.
   *
   * @param {number[]} ops
   */
  ownersOf(ops) {
    return [...new Set(ops.map((op) => this.ops?.owners[op] ?? -1))].filter((owner) => owner >= 0);
  }
}

/**
 * Ops of a row and of all within it, in the order in which these are listed.
 *
 * @param {number} row
 * @param {Graph | null} graph
 * @param {Map<number, Set<number>>} ops
 * @returns {number[]}
 */
function gathered(row, graph, ops) {
  /** @type {number[]} */
  const found = [];
  /** @param {number} at */
  const walk = (at) => {
    for (const op of ops.get(at) ?? []) found.push(op);
    graph?.children.get(at)?.forEach(walk);
  };
  walk(row);
  return found;
}
