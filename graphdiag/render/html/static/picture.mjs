// --- picture.mjs: one graph on screen --------------------------------------------------------------------------------

import { plural, shorten } from "./data.mjs";
import { html, number, svg } from "./elements.mjs";
import { valueOf } from "./folding.mjs";
import { Layouter, dotOf, placed } from "./layout.mjs";
import { Overview } from "./overview.mjs";
import { DATA, STATUSES } from "./page.mjs";
import { savePng, saveSvg } from "./saving.mjs";

/** @import {App} from "./main.mjs" */
/** @import {DrawnGraph, LayerGraph} from "./data.mjs" */
/** @import {End, Key, Laid, Marks, Place, Point, Stack, Visible, VisibleBox, VisibleEdge, Way} from "./types" */

const LINES_LIMIT = 40; // up to so many loose differing edges are drawn as lines
const HUB_LIMIT = 12; // beyond that, those of a box with more than so many end in stubs
const HUB_ROOM = 58; // beside a hub, for its stub and their number
const LEGIBLE = 0.6; // a picture that must shrink below this to fit is shown in part, from where something differs
const MARKED_OPENED = 60; // up to so many marked boxes are looked for in closed ones
const NARROW = 420; // pixels; in a pane below this, boxes stand closer

const ruler = document.createElement("canvas").getContext("2d");

/**
 * Width in pixels, in the reader's own font.
 *
 * @param {string} text
 * @param {number} size
 */
function textWidth(text, size) {
  if (!ruler) return text.length * size * 0.6; // a browser that was told to give no canvas
  ruler.font = `${size}px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif`;
  return ruler.measureText(text).width;
}

export class Picture {
  layouter = new Layouter();
  camera = { x: 0, y: 0, scale: 1 };
  /** @type {Marks} */
  marks = { nodes: new Set(), edges: new Set(), chosen: -1 };
  /** @type {Visible | null} */
  seen = null;
  /** @type {Laid | null} */
  laid = null;
  /** @type {Map<number, SVGGElement>} */
  nodes = new Map();
  /** @type {{edge: VisibleEdge, element: SVGGElement}[]} */
  lines = [];
  /** @type {Set<number>} */
  hubs = new Set();
  /** @type {Map<number, {count: number, status: number}>} */
  swallowed = new Map(); // differing edges within each closed box
  current = -1; // the box to which Tab goes
  /** @type {number | null} */
  anchor = null; // the box that stays where it is when the picture is drawn anew
  fitted = false;
  dragged = false;

  /**
   * @param {LayerGraph | DrawnGraph} graph
   * @param {Key} key
   * @param {App} app
   */
  constructor(graph, key, app) {
    this.graph = graph;
    this.key = key;
    this.app = app;
    /**
     * @param {string} label
     * @param {string} text
     * @param {() => void} act
     */
    const button = (label, text, act) => html("button", { type: "button", class: "act", "aria-label": label, title: label, onclick: act }, text);
    this.count = html("span", { class: "about" });
    this.left = html("span", { class: "left" }); // what "Open all" left closed
    this.left.hidden = true;
    this.busy = html("p", { class: "busy" }, "Drawing …");
    this.world = svg("g", { class: "world" });
    this.canvas = svg("svg", { tabindex: "0", role: "group", "aria-label": `${this.graph.title}. Arrow keys move it, plus and minus zoom, 0 fits it; Tab goes to its boxes.` }, this.world);
    this.overview = new Overview((at) => this.centerOn(at));
    this.view = html("div", { class: "view" }, this.canvas, this.overview.element, this.busy);
    const save = this.save.bind(this);
    this.element = html(
      "section", { class: "pane", id: `pane-${this.key}`, "aria-label": this.graph.title },
      html("div", { class: "bar" }, html("h2", { title: this.graph.about }, this.graph.title), html(
        "div", { class: "tools", role: "group", "aria-label": `Zoom of the ${this.graph.title.toLowerCase()}` },
        button("Zoom in", "+", () => this.zoom(1.3)),
        button("Zoom out", "−", () => this.zoom(1 / 1.3)),
        button("Fit", "Fit", () => this.fit()),
        this.openButton = button("Open all boxes", "Open all", () => this.openAll()),
        this.closeButton = button("Close all boxes", "Close all", () => this.closeAll()),
        button("Save as SVG", "SVG", () => save(saveSvg)),
        button("Save as PNG", "PNG", () => save(savePng)),
      ), this.count, this.left),
      this.view,
    );
    this.listen();
  }

  // --- drawing ---

  async draw() {
    const seen = this.graph.visible();
    this.stub(seen.edges);
    this.busy.hidden = false;
    const dot = dotOf(seen, (row) => this.width(row), DATA.rankdir, this.columns(seen), this.size().width < NARROW);
    let answer;
    try {
      answer = await this.layouter.lay(dot);
    } catch (error) {
      this.busy.hidden = true;
      this.fail(error instanceof Error ? error.message : String(error));
      return;
    }
    if (answer === null) return; // a newer drawing is on its way
    this.busy.hidden = true;
    const before = this.anchor === null ? undefined : this.rectangle(this.anchor);
    this.seen = seen;
    this.laid = placed(answer);
    for (const row of this.hubs) {
      const hub = this.laid.boxes.get(row);
      if (hub) hub.width -= HUB_ROOM;
    }
    this.show(seen, this.laid);
    this.place(before);
    this.mark(this.marks);
  }

  /**
   * Lines from one box to very many hide the picture. Such edges end in stubs: one at the hub with their number, and
   * one at each other end.
   *
   * @param {VisibleEdge[]} edges
   */
  stub(edges) {
    this.hubs = new Set();
    const loose = edges.filter((edge) => this.graph.differs(edge) && !edge.firm);
    if (loose.length <= LINES_LIMIT) return;
    for (const end of /** @type {End[]} */ (["source", "target"])) {
      /** @type {Map<number, number>} */
      const counts = new Map();
      for (const edge of loose) counts.set(edge[end], (counts.get(edge[end]) ?? 0) + 1);
      for (const edge of loose) {
        if (edge.stub || valueOf(counts, edge[end]) <= HUB_LIMIT) continue;
        edge.stub = end;
        this.hubs.add(edge[end]);
      }
    }
  }

  /** @param {string} why */
  fail(why) {
    this.view.querySelector(".empty")?.remove();
    this.view.append(html("p", { class: "empty" }, `This picture could not be drawn: ${why}. The findings are complete without it.`));
    this.app.say(`${this.graph.title}: could not be drawn: ${why}.`);
  }

  /** @param {number} row */
  width(row) {
    const name = textWidth(shorten(this.graph.label(row)), 12);
    const sub = textWidth(shorten(this.graph.sub(row), 36), 10);
    return Math.max(name, sub, 34) + (this.graph.canOpen(row) ? 34 : 20) + (this.hubs.has(row) ? HUB_ROOM : 0);
  }

  /**
   * Boxes that stand in columns, for want of arrows. They take no more than half the pane, as something else mostly
   * stands beside them.
   *
   * @param {Visible} visible
   */
  columns({ root, edges }) {
    const ends = new Set(edges.flatMap((edge) => [edge.source, edge.target]));
    /** @type {Stack[]} */
    const found = [];
    /** @param {number[]} rows */
    const add = (rows) => {
      const widest = Math.max(...rows.map((row) => this.width(row)));
      const seen = Math.floor(this.size().width / LEGIBLE / 2 / (widest + 15));
      found.push({ rows, columns: Math.max(1, Math.min(seen, Math.ceil(Math.sqrt(rows.length / 2)))) });
    };
    /** @param {VisibleBox} box */
    const walk = ({ row, inside }) => {
      if (!inside) return;
      const kind = this.graph.groups.get(row)?.kind;
      if (kind === "aside" || kind === "library" || kind === "apart") add(inside.map((box) => box.row));
      inside.forEach(walk);
    };
    walk(root);
    add(root.inside.filter((box) => !box.inside && !ends.has(box.row)).map((box) => box.row));
    return found;
  }

  /**
   * @param {Visible} seen
   * @param {Laid} laid
   */
  show(seen, laid) {
    const { boxes, opened, ways } = laid;
    this.view.querySelector(".empty")?.remove();
    this.nodes = new Map();
    this.lines = [];
    this.swallowed = this.swallow();
    const under = [...opened].map(([row, place]) => this.cluster(row, place));
    const edges = [...ways].map(([place, way]) => this.edge(seen, seen.edges[place], way));
    edges.push(...this.stubs(seen, laid));
    const over = seen.boxes.flatMap((row) => {
      const place = boxes.get(row);
      return place ? [this.box(row, place)] : [];
    });
    this.world.replaceChildren(svg("g", {}, ...under), svg("g", {}, ...edges), svg("g", {}, ...over));
    if (!this.nodes.has(this.current)) this.current = seen.boxes[0];
    this.nodes.get(this.current)?.setAttribute("tabindex", "0");
    this.count.textContent = this.counted(seen);
    this.openButton.hidden = !seen.boxes.some((row) => this.graph.canOpen(row));
    this.closeButton.hidden = !opened.size;
    const ends = new Set(seen.edges.flatMap((edge) => (this.graph.differs(edge) ? [edge.source, edge.target] : [])));
    this.overview.draw(laid, (row) => ends.has(row));
  }

  /**
   * As `28 layers, 27 edges, 8 in the op graph only`.
   *
   * @param {Visible} seen
   */
  counted(seen) {
    const { graph } = this;
    const firm = seen.edges.filter((edge) => edge.firm).length;
    const boxes = number(seen.boxes.length, graph.things, plural(graph.things));
    const drawn = seen.boxes.length < graph.all ? `${boxes} shown of ${graph.all.toLocaleString("en")}` : boxes;
    return [drawn, number(firm, graph.lines), ...graph.others(seen.edges.filter((edge) => !edge.firm))].join(", ");
  }

  /**
   * @param {number} row
   * @param {Place} place
   */
  box(row, { x, y, width, height }) {
    const { graph } = this;
    const opens = graph.canOpen(row);
    const element = svg("g", {
      class: `node${graph.ends.has(row) ? " end" : ""}`, "data-row": row, role: "button", tabindex: "-1",
      transform: `translate(${x} ${y})`, "aria-label": this.spoken(row),
    });
    if (opens) {
      element.setAttribute("aria-expanded", "false");
      element.append(svg("rect", { class: "under", x: 3.5, y: 3.5, width, height, rx: 5 }));
    }
    element.append(
      svg("title", {}, `${graph.name(row)}\n${graph.facts(row).join("\n")}`),
      svg("rect", { class: "main", width, height, rx: 5 }),
      svg("text", { x: width / 2, y: graph.sub(row) ? 14 : height / 2 + 4 }, shorten(graph.label(row))),
      svg("text", { class: "sub", x: width / 2, y: 26.5 }, shorten(graph.sub(row), 36)),
    );
    if (opens) element.append(svg("path", { class: "mark", d: `M${width - 10} 3.5h2v2.5h2.5v2h-2.5v2.5h-2v-2.5h-2.5v-2h2.5z` }));
    const inside = this.differingInside(row);
    if (inside.count) {
      const status = STATUSES[inside.status];
      element.append(svg("g", { class: `count tone-${status.tone}` }, svg("circle", { cx: 0, cy: 0, r: 8 }), svg("text", { x: 0, y: 3 }, `${status.letter}${inside.count > 9 ? "+" : inside.count}`)));
    }
    this.nodes.set(row, element);
    return element;
  }

  /** How many differing edges each closed box swallows, and the most severe status of these. */
  swallow() {
    /** @type {Map<number, {count: number, status: number}>} */
    const found = new Map();
    for (const edge of this.graph.edges) {
      if (!this.graph.differs(edge) || edge.quiet) continue;
      const at = this.graph.shownBy(edge.source);
      if (at !== this.graph.shownBy(edge.target)) continue;
      const before = found.get(at) ?? { count: 0, status: 0 };
      found.set(at, { count: before.count + 1, status: Math.max(before.status, edge.status) });
    }
    return found;
  }

  /** @param {number} row */
  differingInside(row) {
    return (this.graph.canOpen(row) && this.swallowed.get(row)) || { count: 0, status: 0 };
  }

  /**
   * @param {number} row
   * @param {Place} place
   */
  cluster(row, { x, y, width, height }) {
    const element = svg("g", {
      class: "node cluster", "data-row": row, role: "button", tabindex: "-1", transform: `translate(${x} ${y})`,
      "aria-label": this.spoken(row), "aria-expanded": "true",
    });
    element.append(
      svg("title", {}, `${this.graph.name(row)}\n${this.graph.facts(row).join("\n")}`),
      svg("rect", { class: "main", width, height, rx: 7 }),
      svg("text", { x: 9, y: 16 }, shorten(this.graph.label(row))),
      svg("path", { class: "mark", d: `M${width - 14} 8h8v2h-8z` }),
    );
    this.nodes.set(row, element);
    return element;
  }

  /**
   * What a screen reader says of a box.
   *
   * @param {number} row
   */
  spoken(row) {
    const inside = this.differingInside(row);
    const differing = inside.count ? `, ${number(inside.count, "differing edge")} inside` : "";
    return `${this.graph.name(row)}, ${this.graph.facts(row).join(", ")}${differing}`;
  }

  /**
   * @param {Visible} seen
   * @param {VisibleEdge} edge
   * @param {Way} way
   */
  edge(seen, edge, { way, tip }) {
    const status = STATUSES[edge.status];
    const d = `M${way[0].join(" ")}C${way.slice(1).map((point) => point.join(" ")).join(" ")}`;
    const end = way[way.length - 1];
    const dash = status.dash || (edge.rows.every((row) => this.graph.edges[row].dashed) ? "3 3" : "");
    const whole = `${d}${status.arrow === "cross" ? `L${tip.join(" ")}` : ""}`;
    const line = svg("path", { class: "line", d: whole, "stroke-width": status.width });
    if (dash) line.setAttribute("stroke-dasharray", dash);
    const element = svg("g", { class: `edge s-${status.id} tone-${status.tone}` });
    element.append(svg("title", {}, this.edgeTitle(edge)), svg("path", { class: "halo", d }), svg("path", { class: "hit", d: `${d}L${tip.join(" ")}` }), line);
    if (status.double) element.append(svg("path", { class: "inner", d }));
    element.append(head(status.arrow, end, tip));
    const middle = this.letterPlace(seen, edge, way);
    if (status.letter) {
      element.append(svg("g", { class: "letter", transform: `translate(${middle.join(" ")})` }, svg("circle", { r: 7 }), svg("text", { y: 3.2 }, status.letter)));
    }
    if (edge.hub || edge.rows.length > 1) {
      const [outer, side] = [way[0], tip].sort(([left], [right]) => left - right)[edge.hub ? 1 : 0];
      const free = edge.hub ? { x: outer + 4, y: side + 4 } : edge.stub ? { x: outer - 8, y: side + 4 } : { x: middle[0] + 9, y: middle[1] + 5 };
      const anchor = edge.stub && !edge.hub ? "end" : "start";
      element.append(svg("text", { class: "number", "text-anchor": anchor, ...free }, `×${edge.rows.length}`));
    }
    element.addEventListener("click", () => {
      if (!this.dragged) this.app.selectEdge(this.key, edge);
    });
    this.lines.push({ edge, element });
    return element;
  }

  /**
   * @param {Visible} seen
   * @param {Laid} laid
   */
  stubs(seen, laid) {
    /** @param {number} row */
    const place = (row) => laid.boxes.get(row) ?? valueOf(laid.opened, row);
    /** @type {Map<string, {hub: number, end: End, status: number, edges: VisibleEdge[]}>} */
    const hubs = new Map();
    const found = [];
    for (const edge of seen.edges) {
      if (!edge.stub) continue;
      const [hub, other] = edge.stub === "source" ? [edge.source, edge.target] : [edge.target, edge.source];
      const key = `${hub} ${edge.stub} ${edge.status}`;
      const alike = hubs.get(key) ?? { hub, end: edge.stub, status: edge.status, edges: [] };
      hubs.set(key, alike);
      alike.edges.push(edge);
      const { x, y, height } = place(other);
      /** @type {Point} */
      const outer = [x - 26, y + height / 2];
      /** @type {Point} */
      const inner = [x, y + height / 2];
      const way = edge.stub === "source" ? straight(outer, inner) : straight(inner, outer);
      found.push(this.edge(seen, edge, way));
    }
    for (const { hub, end, status, edges } of hubs.values()) {
      const { x, y, width, height } = place(hub);
      /** @type {Point} */
      const inner = [x + width, y + height / 2];
      /** @type {Point} */
      const outer = [x + width + 26, y + height / 2];
      const way = end === "source" ? straight(inner, outer) : straight(outer, inner);
      const rows = edges.flatMap((edge) => edge.rows);
      const element = this.edge(seen, { ...edges[0], status, rows, hub: true }, way);
      element.classList.replace("edge", "hub");
      found.push(element);
    }
    return found;
  }

  /**
   * Near the end that fewer differing edges share, so that letters do not lie on each other.
   *
   * @param {Visible} seen
   * @param {VisibleEdge} edge
   * @param {Point[]} way
   */
  letterPlace(seen, edge, way) {
    /** @param {End} end */
    const sharing = (end) => seen.edges.filter((other) => this.graph.differs(other) && other[end] === edge[end]).length;
    if (edge.stub) return bezierAt(way, edge.stub === "source" && !edge.hub ? 0.1 : 0.5);
    if (!this.graph.differs(edge) || seen.edges.length > 400) return bezierAt(way, 0.5);
    const [out, into] = [sharing("source"), sharing("target")];
    return out === into ? bezierAt(way, 0.5) : along(way, out > into);
  }

  /** @param {VisibleEdge} edge */
  edgeTitle(edge) {
    if (edge.hub && edge.stub) return `${this.graph.name(edge[edge.stub])}: ${number(edge.rows.length, "edge")}, ${STATUSES[edge.status].label}`;
    const several = edge.rows.length > 1 ? `\n${edge.rows.length} edges` : "";
    return `${this.graph.name(edge.source)} → ${this.graph.name(edge.target)}\n${STATUSES[edge.status].label}${several}`;
  }

  // --- marks ---

  /**
   * Lights up rows of the graph, wherever they are on screen.
   *
   * @param {Marks} marks
   */
  mark(marks) {
    this.marks = marks;
    if (!this.seen) return;
    const shown = new Set([...marks.nodes].map((row) => this.graph.shownBy(row)));
    const any = shown.size > 0 || marks.edges.size > 0;
    this.canvas.classList.toggle("marking", any);
    for (const [row, element] of this.nodes) {
      element.classList.toggle("marked", shown.has(row));
      element.classList.toggle("chosen", row === marks.chosen);
      element.setAttribute("aria-pressed", String(row === marks.chosen));
    }
    for (const { edge, element } of this.lines) element.classList.toggle("marked", edge.rows.some((row) => marks.edges.has(row)));
  }

  // --- opening and closing ---

  /** @param {number} row */
  async toggle(row) {
    if (!this.graph.canOpen(row)) return;
    const opening = !this.graph.opened.has(row);
    this.anchor = row;
    if (opening) this.graph.open(row);
    else this.graph.close(row);
    const focused = this.nodes.get(row) === document.activeElement;
    await this.draw();
    if (focused) this.focus(row);
    this.app.say(`${this.graph.name(row)} ${opening ? "opened" : "closed"}.`);
    this.app.refresh();
  }

  async closeAll() {
    this.graph.opened.clear();
    this.left.hidden = true;
    await this.drawAnew();
    this.app.say(`${this.graph.title}: all boxes closed.`);
  }

  async openAll() {
    const left = this.graph.openAll();
    const words = left ? `${number(left, "box", "boxes")} left closed: there is much in ${left === 1 ? "it" : "them"}.` : "";
    this.left.hidden = !left;
    this.left.replaceChildren(`${words} `, html("button", { type: "button", class: "act", onclick: () => this.openAll() }, "Open more"));
    await this.drawAnew();
    this.app.say(`${this.graph.title}: ${words || "all boxes opened."}`);
  }

  async drawAnew() {
    this.anchor = null;
    this.fitted = false;
    await this.draw();
    this.app.refresh();
  }

  /** @param {(world: SVGElement, size: {width: number, height: number}, name: string) => void | Promise<void>} by */
  async save(by) {
    if (!this.laid) return;
    try {
      await by(this.world, this.laid, `graphdiag-${this.key}`);
      this.app.say(`${this.graph.title} saved.`);
    } catch (error) {
      this.app.say(`${this.graph.title} could not be saved: ${error instanceof Error ? error.message : error}.`);
    }
  }

  /** @param {number} row */
  async reveal(row) {
    this.anchor = null;
    if (this.graph.reveal(row)) await this.draw();
    this.center([row]);
  }

  /**
   * Opens what is around these rows, unless this page folded it as things that stand aside, and brings them into sight.
   *
   * @param {number[]} rows
   */
  async uncover(rows) {
    if (!this.laid) return;
    const { graph } = this;
    /** @param {number} row */
    const aside = (row) => ["many", "handles"].includes(graph.groups.get(graph.parents[row])?.kind ?? "");
    const opened = rows.slice(0, MARKED_OPENED).filter((row) => !aside(row) && graph.reveal(row));
    this.anchor = null;
    if (opened.length) await this.draw();
    this.bring(rows);
  }

  // --- the camera ---

  /**
   * Keeps the box at the anchor where it was.
   *
   * @param {Place | undefined} before Where it lay.
   */
  place(before) {
    const after = this.anchor === null ? undefined : this.rectangle(this.anchor);
    if (before && after) {
      this.camera.x += (before.x + before.width / 2 - after.x - after.width / 2) * this.camera.scale;
      this.camera.y += (before.y - after.y) * this.camera.scale;
      this.move();
    } else if (!this.fitted) {
      this.fitted = true;
      this.begin();
    } else {
      this.move();
    }
    this.anchor = null;
  }

  /** @param {number} row */
  rectangle(row) {
    const shown = this.graph.shownBy(row);
    return this.laid?.boxes.get(shown) ?? this.laid?.opened.get(shown);
  }

  // The first look: all of it if it can be read so, else from where something differs; then as wide as it is, if it can
  // be read so.
  begin() {
    this.fit();
    if (this.camera.scale >= LEGIBLE || !this.seen || !this.laid) return;
    const differing = this.seen.edges.filter((edge) => this.graph.differs(edge));
    const across = this.size().width / (this.laid.width + 24);
    this.camera.scale = across < LEGIBLE ? 0.8 : Math.min(0.8, across);
    if (differing.length) this.center(differing.slice(0, 1).map((edge) => edge.source));
    else this.center([this.seen.boxes[0]]);
  }

  size() {
    return { width: this.view.clientWidth, height: this.view.clientHeight };
  }

  fit() {
    if (!this.laid) return;
    const { width, height } = this.size();
    const scale = Math.min(width / (this.laid.width + 24), height / (this.laid.height + 24), 1.1);
    this.camera = { scale, x: (width - this.laid.width * scale) / 2, y: (height - this.laid.height * scale) / 2 };
    this.move();
  }

  /** @param {number[]} rows */
  center(rows) {
    const places = rows.map((row) => this.rectangle(row)).filter((place) => place !== undefined);
    if (!places.length) return;
    /**
     * @param {(place: Place) => number} low
     * @param {(place: Place) => number} high
     */
    const middle = (low, high) => (Math.min(...places.map(low)) + Math.max(...places.map(high))) / 2;
    this.centerOn([middle((place) => place.x, (place) => place.x + place.width), middle((place) => place.y, (place) => place.y + place.height)]);
  }

  /** @param {Point} at Of the picture, for the middle of the pane. */
  centerOn([x, y]) {
    if (!this.laid) return;
    const { width, height } = this.size();
    const { scale } = this.camera;
    /**
     * No further than the picture goes: half a pane of nothing helps nobody.
     *
     * @param {number} wanted
     * @param {number} room
     * @param {number} size
     */
    const within = (wanted, room, size) => (size * scale + 24 > room ? Math.min(12, Math.max(room - size * scale - 12, wanted)) : (room - size * scale) / 2);
    this.camera.x = within(width / 2 - x * scale, width, this.laid.width);
    this.camera.y = within(height / 2 - y * scale, height, this.laid.height);
    this.move();
  }

  /**
   * Moves no more than needed for these rows to be seen.
   *
   * @param {number[]} rows
   */
  bring(rows) {
    const seen = rows.some((row) => {
      const place = this.rectangle(row);
      if (!place) return true;
      const { x, y, scale } = this.camera;
      const { width, height } = this.size();
      return place.x * scale + x >= 0 && place.y * scale + y >= 0 && (place.x + place.width) * scale + x <= width && (place.y + place.height) * scale + y <= height;
    });
    if (!seen && rows.length) this.center(rows.slice(0, 1));
  }

  /**
   * @param {number} by
   * @param {Point} [at] What stays where it is; the middle unless given.
   */
  zoom(by, at) {
    const { width, height } = this.size();
    const [x, y] = at ?? [width / 2, height / 2];
    const scale = Math.min(4, Math.max(0.03, this.camera.scale * by));
    const grown = scale / this.camera.scale;
    this.camera = { scale, x: x - (x - this.camera.x) * grown, y: y - (y - this.camera.y) * grown };
    this.move();
  }

  move() {
    const { x, y, scale } = this.camera;
    this.world.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    if (this.laid) this.overview.follow(this.camera, this.size(), this.laid);
  }

  /**
   * On paper the whole picture is shown, whatever is on screen.
   *
   * @param {boolean} on
   */
  forPaper(on) {
    if (!this.laid) return;
    if (on) {
      this.canvas.setAttribute("viewBox", `-4 -4 ${this.laid.width + 8} ${this.laid.height + 8}`);
      this.world.removeAttribute("transform");
    } else {
      this.canvas.removeAttribute("viewBox");
      this.move();
    }
  }

  // --- mouse and keys ---

  listen() {
    const { canvas } = this;
    /**
     * @param {Event} event
     * @param {string} selector
     */
    const around = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);
    /** @param {Event} event */
    const rowOf = (event) => {
      const node = around(event, ".node");
      return node ? Number(node.getAttribute("data-row")) : null;
    };
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const corner = canvas.getBoundingClientRect();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), [event.clientX - corner.left, event.clientY - corner.top]);
    }, { passive: false });
    /** @type {{x: number, y: number, camera: {x: number, y: number}} | null} */
    let from = null;
    canvas.addEventListener("pointerdown", (event) => {
      this.dragged = false;
      if (event.button === 0) from = { x: event.clientX, y: event.clientY, camera: { ...this.camera } };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (!this.dragged && Math.hypot(dx, dy) < 5) return;
      if (!this.dragged) canvas.setPointerCapture(event.pointerId);
      this.dragged = true;
      canvas.classList.add("dragged");
      this.camera.x = from.camera.x + dx;
      this.camera.y = from.camera.y + dy;
      this.move();
    });
    const drop = () => {
      from = null;
      canvas.classList.remove("dragged");
    };
    canvas.addEventListener("pointerup", drop);
    canvas.addEventListener("pointercancel", drop);
    canvas.addEventListener("click", (event) => {
      if (this.dragged) return;
      const row = rowOf(event);
      if (row !== null) this.app.selectBox(this.key, row);
      else if (!around(event, ".edge")) this.app.clear();
    });
    canvas.addEventListener("dblclick", (event) => {
      const row = rowOf(event);
      if (row !== null) this.toggle(row);
    });
    canvas.addEventListener("keydown", (event) => this.press(event, rowOf(event)));
  }

  /**
   * @param {KeyboardEvent} event
   * @param {number | null} row The box that has the focus.
   */
  press(event, row) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, () => void>} */
    const acts = { "+": () => this.zoom(1.3), "=": () => this.zoom(1.3), "-": () => this.zoom(1 / 1.3), 0: () => this.fit() };
    /** @type {Record<string, Point>} */
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (row !== null) {
      acts.Enter = () => this.app.selectBox(this.key, row);
      acts[" "] = () => this.toggle(row);
    }
    if (event.key in steps) acts[event.key] = () => (row === null ? this.pan(...steps[event.key]) : this.step(row, ...steps[event.key]));
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  pan(x, y) {
    this.camera.x -= x * 60;
    this.camera.y -= y * 60;
    this.move();
  }

  /**
   * The nearest box that way: what lies straight ahead is nearer than what lies aside.
   *
   * @param {number} row
   * @param {number} x
   * @param {number} y
   */
  step(row, x, y) {
    const { laid } = this;
    if (!laid) return;
    /** @param {number} at */
    const middle = (at) => {
      const place = laid.boxes.get(at) ?? valueOf(laid.opened, at);
      return [place.x + place.width / 2, place.y + (laid.opened.has(at) ? 8 : place.height / 2)];
    };
    const [fromX, fromY] = middle(row);
    let best = null;
    for (const other of this.nodes.keys()) {
      if (other === row) continue;
      const [toX, toY] = middle(other);
      const ahead = (toX - fromX) * x + (toY - fromY) * y;
      const beside = Math.abs((toX - fromX) * y) + Math.abs((toY - fromY) * x);
      if (ahead < 4) continue;
      const far = ahead + 2.5 * beside;
      if (!best || far < best.far) best = { other, far };
    }
    if (best) this.focus(best.other);
  }

  /** @param {number} row */
  focus(row) {
    const element = this.nodes.get(row);
    if (!element) return;
    this.nodes.get(this.current)?.setAttribute("tabindex", "-1");
    this.current = row;
    element.setAttribute("tabindex", "0");
    element.focus({ preventScroll: true });
    this.bring([row]);
  }
}

/**
 * The way of a straight line, with room for an arrowhead.
 *
 * @param {Point} from
 * @param {Point} to
 * @returns {Way}
 */
function straight(from, to) {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  /**
   * @param {number} part
   * @returns {Point}
   */
  const at = (part) => [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part];
  const end = 1 - 8 / length;
  return { way: [from, at(end / 3), at((2 * end) / 3), at(end)], tip: to };
}

/**
 * A point of the curve.
 *
 * @param {Point[]} way
 * @param {number} part 0 at its beginning and 1 at its end.
 * @returns {Point}
 */
function bezierAt(way, part) {
  const curves = (way.length - 1) / 3;
  const first = Math.min(curves - 1, Math.floor(part * curves));
  const [a, b, c, d] = way.slice(3 * first, 3 * first + 4);
  const at = part * curves - first;
  /** @param {0 | 1} i */
  const mix = (i) => (1 - at) ** 3 * a[i] + 3 * (1 - at) ** 2 * at * b[i] + 3 * (1 - at) * at ** 2 * c[i] + at ** 3 * d[i];
  return [mix(0), mix(1)];
}

/**
 * The point some way before the end of the curve, or after its beginning.
 *
 * @param {Point[]} way
 * @param {boolean} fromEnd
 */
function along(way, fromEnd) {
  const steps = 40;
  let far = 0;
  let last = bezierAt(way, fromEnd ? 1 : 0);
  for (let step = 1; step <= steps / 2; step += 1) {
    const next = bezierAt(way, fromEnd ? 1 - step / steps : step / steps);
    far += Math.hypot(next[0] - last[0], next[1] - last[1]);
    last = next;
    if (far >= 16) break;
  }
  return last;
}

/**
 * An arrowhead from the end of the line to the tip.
 *
 * @param {string} kind
 * @param {Point} end
 * @param {Point} tip
 */
function head(kind, end, tip) {
  const length = Math.hypot(tip[0] - end[0], tip[1] - end[1]) || 1;
  const [x, y] = [(tip[0] - end[0]) / length, (tip[1] - end[1]) / length];
  /**
   * @param {number} back
   * @param {number} aside
   */
  const point = (back, aside) => `${tip[0] - x * back - y * aside} ${tip[1] - y * back + x * aside}`;
  if (kind === "cross") return svg("path", { class: "head cross", d: `M${point(8, 5)}L${point(0, -5)}M${point(8, -5)}L${point(0, 5)}` });
  /**
   * @param {number} back
   * @param {number} wide
   */
  const triangle = (back, wide) => `M${point(back, 0)}L${point(back + 8, wide)}L${point(back + 8, -wide)}Z`;
  if (kind === "double") return svg("path", { class: "head", d: triangle(0, 5) + triangle(7, 5) });
  return svg("path", { class: `head ${kind}`, d: triangle(0, kind === "hollow" ? 4.5 : 3.4) });
}
