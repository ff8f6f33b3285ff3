// --- data.js: the page's data as two graphs of boxes within boxes ---------------------------------------------------
// Both pictures are drawn from a `Graph`: nodes known by row, each within another or at the top (-1), and edges with a
// status from the table. What this page folds together, as twelve layers in a row, is a node of its own.

const DATA = JSON.parse(document.getElementById("data").textContent);
const STATUSES = DATA.statuses;
const STATUS = Object.fromEntries(STATUSES.map((status, number) => [status.id, number]));
const number = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

class Graph {
  constructor(parents, edges) {
    this.parents = parents;
    this.edges = edges; // [{source, target, status, ...}]
    this.own = parents.length; // rows from here on are folded by this page
    this.groups = new Map();
    this.children = new Map();
    this.opened = new Set();
    parents.forEach((parent, row) => this.childrenOf(parent).push(row));
  }

  childrenOf(row) {
    if (!this.children.has(row)) this.children.set(row, []);
    return this.children.get(row);
  }

  canOpen(row) {
    return this.children.has(row) && this.children.get(row).length > 0;
  }

  // Puts nodes that stand side by side into a node of their own, at the place of the first.
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

  newGroup(kind, members, parent) {
    const row = this.parents.length;
    this.parents.push(parent);
    this.children.set(row, members);
    for (const member of members) this.parents[member] = row;
    this.groups.set(row, { kind, leaves: this.leaves(row) });
    return row;
  }

  // Rows of the graph itself that a folded node stands for.
  leaves(row) {
    const found = [];
    const walk = (at) => (at < this.own ? found.push(at) : this.children.get(at).forEach(walk));
    walk(row);
    return found;
  }

  // The box on screen that shows a row: the outermost closed one around it, or itself.
  shownBy(row) {
    let found = row;
    for (let at = this.parents[row]; at >= 0; at = this.parents[at]) if (!this.opened.has(at)) found = at;
    return found;
  }

  reveal(row) {
    let changed = false;
    for (let at = this.parents[row]; at >= 0; at = this.parents[at]) {
      if (!this.opened.has(at)) changed = true;
      this.open(at);
    }
    return changed;
  }

  open(row) {
    this.opened.add(row);
    this.foldInside(row);
  }

  close(row) {
    this.opened.delete(row);
  }

  // Folds what stands directly within a row (-1: at the top), once, when there is too much of it.
  foldInside(row) {
    this.folded ??= new Set();
    if (this.folded.has(row) || this.groups.has(row)) return;
    this.folded.add(row);
    const units = [...this.childrenOf(row)];
    if (units.length <= LEVEL_LIMIT) return;
    const level = this.edgesInside(row);
    const pinned = new Set();
    for (const edge of level) {
      if (STATUSES[this.edges[edge.row].status].letter) pinned.add(edge.source).add(edge.target);
    }
    if (pinned.size > LEVEL_LIMIT) pinned.clear();
    const firm = level.filter((edge) => this.edges[edge.row].firm);
    const items = fold(units, firm, pinned, LEVEL_LIMIT);
    this.children.set(row, items.map((item) => this.groupItem(item, row)));
  }

  groupItem(item, parent) {
    if (typeof item === "number") return item;
    return this.newGroup(item.kind, item.items.map((inner) => this.groupItem(inner, parent)), parent);
  }

  // Edges between nodes that stand directly within a row.
  edgesInside(row) {
    const at = (end) => {
      let found = end;
      while (found >= 0 && this.parents[found] !== row) found = this.parents[found];
      return found;
    };
    const found = [];
    this.edges.forEach((edge, place) => {
      const source = at(edge.source);
      const target = at(edge.target);
      if (!edge.quiet && source >= 0 && target >= 0 && source !== target) found.push({ source, target, row: place });
    });
    return found;
  }

  // What is to be drawn: closed boxes, opened ones with what is in them, and edges that stand for those between them.
  visible() {
    const boxes = [];
    const walk = (row) => {
      const opened = row < 0 || (this.opened.has(row) && this.canOpen(row));
      const inside = opened ? this.childrenOf(row).map(walk) : null;
      if (!opened) boxes.push(row);
      return { row, inside };
    };
    const root = walk(-1);
    const edges = new Map();
    this.edges.forEach((edge, row) => {
      if (edge.quiet) return;
      const source = this.shownBy(edge.source);
      const target = this.shownBy(edge.target);
      if (source === target) return;
      const key = `${source} ${target}`;
      if (!edges.has(key)) edges.set(key, { source, target, status: 0, firm: false, rows: [] });
      const found = edges.get(key);
      found.rows.push(row);
      found.status = Math.max(found.status, edge.status);
      found.firm ||= edge.firm;
    });
    return { boxes, root, edges: [...edges.values()] };
  }
}

class LayerGraph extends Graph {
  constructor(data) {
    const { source, target, status, in_model } = data.edges;
    super(
      [...data.parents],
      source.map((from, row) => ({ source: from, target: target[row], status: status[row], firm: Boolean(in_model[row] || !data.recorded) })),
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

  // What is said of visible edges that Keras does not have.
  others(edges) {
    return edges.length ? [`${edges.length.toLocaleString("en")} in the op graph only`] : [];
  }

  name(row) {
    return row < this.own ? this.data.names[row] : groupName(this, row);
  }

  label(row) {
    return row < this.own ? this.data.labels[row] : groupLabel(this, row);
  }

  className(row) {
    return this.data.classes[row] < 0 ? "" : this.data.class_names[this.data.classes[row]];
  }

  sub(row) {
    if (row >= this.own) return groupSub(this, row);
    const parts = [this.className(row)];
    if (this.canOpen(row)) parts.push(number(this.childrenOf(row).length, "layer"));
    if (DATA.shapes) parts.push(this.data.shapes[row]);
    return parts.filter(Boolean).join(" · ");
  }

  facts(row) {
    if (row >= this.own) return [`${groupSub(this, row)}, folded by this page`];
    const { calls, shapes, parameters, inputs, outputs, kinds } = this.data;
    const weights = parameters[row] === null ? "" : number(parameters[row], "parameter");
    return [
      this.className(row) || ["layer", "nested model", "name scope"][kinds[row]],
      kinds[row] === 1 ? "nested model" : "",
      shapes[row],
      weights,
      calls[row] > 1 ? `called ${calls[row]} times` : "",
      inputs.includes(row) ? "input of the model" : "",
      outputs.includes(row) ? "gives an output of the model" : "",
      this.data.lines[row] ? `made in ${this.data.lines[row]}` : "",
    ].filter(Boolean);
  }

  carries(edge) {
    return this.data.edges.carried[this.data.edges.carries[edge]];
  }
}

class DrawnGraph extends Graph {
  constructor(data) {
    const { source, target, left, regular, control } = data.edges;
    const ghosts = new Set([...data.aside, ...data.library]);
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
    );
    this.data = data;
    this.title = "Drawn graph";
    this.about = "what TensorBoard makes of the op graph on screen";
    this.things = "box";
    this.lines = "arrow";
    this.all = 0;
    this.ends = new Set();
    this.whole = new Set(data.whole);
    this.home = [...this.parents]; // as TensorBoard has them, before anything is folded here
    this.names = new Map();
    this.why = new Map(data.aside.map((row, place) => [row, data.why[place]]));
    this.children.set(-1, this.childrenOf(-1).filter((row) => row !== data.root));
    for (const [kind, rows] of [["aside", data.aside], ["library", data.library]]) {
      if (!rows.length) continue;
      const single = rows.filter((row) => data.types[row] === 1);
      const many = rows.length > ASIDE_LIMIT && single.length > 3 ? [this.group("many", single)] : [];
      const members = many.length ? [...rows.filter((row) => data.types[row] !== 1), ...many] : [...rows];
      const row = this.group(kind, members);
      if (members.length <= ASIDE_LIMIT) this.opened.add(row);
    }
    this.byEnds = new Map(source.map((from, row) => [`${from} ${target[row]}`, row]));
  }

  name(row) {
    if (row >= this.own) return groupName(this, row);
    if (!this.names.has(row)) {
      let around = this.home[row];
      while (around >= 0 && this.data.types[around] === 2) around = this.home[around];
      const label = this.data.labels[row];
      this.names.set(row, around < 0 || this.whole.has(row) ? label : `${this.name(around)}/${label}`);
    }
    return this.names.get(row);
  }

  label(row) {
    return row < this.own ? this.data.labels[row] : groupLabel(this, row);
  }

  // What is said of visible edges for which TensorBoard shows no arrow.
  others(edges) {
    const missing = edges.filter((edge) => edge.rows.every((row) => this.edges[row].missing)).length;
    const stubs = edges.length - missing;
    return [...(stubs ? [`${number(stubs, "stub")} in place of arrows`] : []), ...(missing ? [`${missing.toLocaleString("en")} missing`] : [])];
  }

  opType(row) {
    return row < this.own && this.data.ops[row] >= 0 ? this.data.op_types[this.data.ops[row]] : "";
  }

  canOpen(row) {
    return (row >= this.own || this.data.types[row] !== 1) && super.canOpen(row);
  }

  sub(row) {
    if (row >= this.own) return groupSub(this, row);
    const ops = number(this.data.cardinalities[row], "op");
    return this.data.types[row] === 1 ? this.opType(row) : this.data.types[row] === 2 ? `series, ${ops}` : ops;
  }

  facts(row) {
    if (row >= this.own) {
      const kind = this.groups.get(row).kind;
      if (kind === "aside") return ["TensorBoard took these out of the main graph"];
      if (kind === "library") return ["library functions"];
      return [`${groupSub(this, row)}, folded by this page`];
    }
    const kind = ["metanode", "op", "series node"][this.data.types[row]];
    const what = this.data.types[row] === 1 ? this.opType(row) : number(this.data.cardinalities[row], "op");
    const why = this.why.get(row);
    return [kind, what, why ? `under "Auxiliary Nodes": ${why}` : ""].filter(Boolean);
  }

  // The arrow that stands for an edge between two ops, by the rows of their boxes: it lies where their ways to the
  // top meet.
  arrow(source, target) {
    const ways = [source, target].map((row) => {
      const way = [];
      for (let at = row; at >= 0; at = this.home[at]) way.push(at);
      return way;
    });
    let [left, right] = [ways[0].length - 1, ways[1].length - 1];
    while (left > 0 && right > 0 && ways[0][left] === ways[1][right]) {
      left -= 1;
      right -= 1;
    }
    return this.byEnds.get(`${ways[0][left]} ${ways[1][right]}`);
  }
}

const GROUPS = {
  run: (count, what) => `${number(count, what, plural(what))} in a row`,
  block: (count, what) => `block of ${number(count, what, plural(what))}`,
  part: (count, what) => `part of ${number(count, what, plural(what))}`,
  apart: (count, what) => `${number(count, what, plural(what))} without arrows`,
  many: (count) => number(count, "op"),
  aside: (count, what) => number(count, what, plural(what)),
  library: (count, what) => number(count, what, plural(what)),
};
const plural = (what) => (what === "box" ? "boxes" : `${what}s`);

function groupSub(graph, row) {
  const { kind, leaves } = graph.groups.get(row);
  return GROUPS[kind](leaves.length, graph.things);
}

function groupLabel(graph, row) {
  const { kind, leaves } = graph.groups.get(row);
  if (kind === "aside") return "Auxiliary nodes";
  if (kind === "library") return "Functions";
  return `${shorten(graph.label(leaves[0]), 14)} … ${shorten(graph.label(leaves[leaves.length - 1]), 16)}`;
}

function groupName(graph, row) {
  const { kind, leaves } = graph.groups.get(row);
  if (kind === "aside" || kind === "library") return groupLabel(graph, row);
  return `${graph.name(leaves[0])} … ${graph.name(leaves[leaves.length - 1])}`;
}

// One model: its two graphs, and what ties them together. Rows of layer edges, layers, arrows, boxes and ops.
class Model {
  constructor(data) {
    this.data = data;
    this.findings = data.findings;
    this.ops = data.ops;
    this.layers = data.layers && new LayerGraph(data.layers);
    this.drawn = data.drawn && new DrawnGraph(data.drawn);
    this.arrowsOf = new Map(); // layer edge -> arrows that stand for it
    this.edgesOf = new Map(); // arrow -> layer edges
    this.crossingsOf = new Map(); // layer edge -> places in the columns of crossings
    this.boxesOf = new Map(); // layer -> boxes of its ops
    this.opsOf = new Map(); // layer -> ops
    this.opsIn = new Map(); // box -> ops drawn by it
    this.tie();
    this.layers?.foldInside(-1);
    this.drawn?.foldInside(-1);
  }

  tie() {
    const { edge, source, target } = this.data.crossings;
    const add = (map, key, value) => (map.has(key) ? map.get(key).add(value) : map.set(key, new Set([value])));
    edge.forEach((row, place) => add(this.crossingsOf, row, place));
    if (this.ops) {
      this.ops.owners.forEach((owner, op) => {
        if (owner >= 0) add(this.opsOf, owner, op);
        if (this.ops.drawn[op] >= 0) add(this.opsIn, this.ops.drawn[op], op);
      });
    }
    if (!this.drawn) return;
    edge.forEach((row, place) => {
      const arrow = this.drawn.arrow(this.ops.drawn[source[place]], this.ops.drawn[target[place]]);
      if (arrow === undefined) return;
      add(this.arrowsOf, row, arrow);
      add(this.edgesOf, arrow, row);
    });
    const named = new Set(this.findings.flatMap((finding) => finding.edges));
    for (const [row, arrows] of this.arrowsOf) {
      for (const arrow of arrows) {
        const drawn = this.drawn.edges[arrow];
        const status = this.layers.edges[row].status;
        if (drawn.quiet && named.has(row)) {
          drawn.quiet = false;
          drawn.status = STATUS.aside;
        }
        if (STATUSES[status].letter && status !== STATUS.missing) drawn.status = Math.max(drawn.status, status);
      }
    }
    this.addMissing();
  }

  // Where Keras has an edge and TensorBoard draws none, the picture says so between the boxes of the two layers.
  addMissing() {
    this.layers.edges.forEach((edge, row) => {
      if (edge.status !== STATUS.missing || this.arrowsOf.has(row)) return;
      const [source, target] = [this.homeOf(edge.source), this.homeOf(edge.target)];
      if (source < 0 || target < 0 || source === target) return;
      this.arrowsOf.set(row, new Set([this.drawn.edges.length]));
      this.edgesOf.set(this.drawn.edges.length, new Set([row]));
      this.drawn.edges.push({ source, target, status: STATUS.missing, firm: false, missing: true });
    });
  }

  // The innermost box that holds all ops of a layer; if that is the whole graph, the top box with most of them.
  homeOf(layer) {
    const ways = [...(this.opsOf.get(layer) || [])].map((op) => {
      const way = [];
      for (let at = this.ops.drawn[op]; at >= 0; at = this.drawn.home[at]) way.unshift(at);
      return way;
    }).filter((way) => way.length);
    if (!ways.length) return -1;
    let depth = 0;
    while (ways.every((way) => depth < way.length && way[depth] === ways[0][depth])) depth += 1;
    if (depth) return ways[0][depth - 1];
    const counts = new Map();
    for (const way of ways) counts.set(way[0], (counts.get(way[0]) || 0) + 1);
    return [...counts].reduce((best, next) => (next[1] > best[1] ? next : best))[0];
  }

  opName(op) {
    return this.ops.names[op] || this.drawn.name(this.ops.drawn[op]);
  }

  opType(op) {
    return this.ops.type_names[this.ops.types[op]];
  }

  // Ops within a box, at every depth.
  opsWithin(row) {
    return gathered(row, this.drawn.children, this.opsIn);
  }

  // Ops of a layer, or of all layers within a nested model or a folded box.
  opsBelow(row) {
    return gathered(row, this.layers.children, this.opsOf);
  }
}

function gathered(row, children, ops) {
  const found = [];
  const walk = (at) => {
    found.push(...(ops.get(at) || []));
    (children.get(at) || []).forEach(walk);
  };
  walk(row);
  return found;
}
