// --- main.js: the page ----------------------------------------------------------------------------------------------
// A page may hold several models; it shows one of them. What is selected is a finding, boxes or edges of one picture,
// and each selection says what it marks in both.

class App {
  constructor(place) {
    this.model = new Model(DATA.models[place]);
    this.place = place;
    this.live = document.getElementById("live");
    this.pictures = {};
    this.panes = [];
    for (const key of ["layers", "drawn"]) {
      const graph = this.model[key];
      if (graph) this.pictures[key] = new Picture(graph, key, this);
      this.panes.push(graph ? this.pictures[key].element : absent(key, this.model));
    }
    const aside = this.model.drawn?.edges.some((edge) => edge.status === STATUS.aside);
    document.querySelector(`[data-of="${place}"] .chip[data-status="aside"]`).hidden = !aside;
    this.details = details;
    this.search = search;
    this.buttons = [...document.querySelectorAll(`.pick[data-model="${place}"]`)];
  }

  // Puts this model on screen in place of another.
  attach() {
    details.app = this;
    search.app = this;
    document.getElementById("pictures").replaceChildren(...this.panes);
  }

  async draw() {
    await Promise.all(Object.values(this.pictures).map((picture) => picture.draw()));
    document.documentElement.dataset.ready = "true";
  }

  say(words) {
    this.live.textContent = words;
  }

  // --- selecting ---

  select(selection) {
    this.selection = selection;
    this.refresh();
  }

  clear() {
    this.search.clear();
    this.select(null);
    this.details.clear();
    this.say("Nothing is selected.");
  }

  // Marks follow the selection; they are found anew when boxes open or close.
  refresh() {
    const { selection } = this;
    const marks = selection ? selection.marks() : { layers: {}, drawn: {} };
    for (const [key, picture] of Object.entries(this.pictures)) {
      const { nodes = [], edges = [], chosen = -1 } = marks[key] || {};
      picture.mark({ nodes: new Set(nodes), edges: new Set(edges), chosen });
    }
    for (const button of this.buttons) {
      button.setAttribute("aria-pressed", String(selection?.finding === Number(button.dataset.finding)));
    }
    if (selection?.fill) selection.fill();
  }

  arrowsOf(layerEdges) {
    return [...new Set(layerEdges.flatMap((row) => [...(this.model.arrowsOf.get(row) || [])]))];
  }

  endsOf(key, edges) {
    const { graph } = this.pictures[key];
    return edges.flatMap((row) => [graph.edges[row].source, graph.edges[row].target]);
  }

  selectFinding(place) {
    const finding = this.model.findings[place];
    const arrows = this.arrowsOf(finding.edges);
    const homes = finding.edges.length || !this.model.drawn ? [] : finding.layers.map((row) => this.model.homeOf(row)).filter((row) => row >= 0);
    const marks = {
      layers: { nodes: finding.layers, edges: finding.edges },
      drawn: { nodes: [...finding.boxes, ...homes, ...(this.pictures.drawn ? this.endsOf("drawn", arrows) : [])], edges: arrows },
    };
    this.details.clear();
    this.select({ finding: place, marks: () => marks });
    // Where the pictures lie below the findings, they come into sight.
    if (matchMedia("(max-width: 900px)").matches) document.getElementById("pictures").scrollIntoView();
    this.bringMarked(marks);
    this.say(`${`${finding.code} ${finding.rule}`.trim()}: ${number(finding.edges.length, "layer edge")} and ${number(arrows.length, "arrow")} marked.`);
  }

  bringMarked(marks, but = null) {
    for (const [key, picture] of Object.entries(this.pictures)) {
      if (key !== but && picture.laid) picture.bring([...(marks[key].nodes || [])]);
    }
  }

  selectBox(key, row) {
    const { model } = this;
    const { graph } = this.pictures[key];
    const inside = new Set([row]);
    const walk = (at) => (graph.children.get(at) || []).forEach((child) => inside.add(child) && walk(child));
    walk(row);
    const touching = [];
    graph.edges.forEach((edge, place) => !edge.quiet && (inside.has(edge.source) || inside.has(edge.target)) && touching.push(place));
    const marks = { layers: {}, drawn: {} };
    marks[key] = { nodes: [...inside], edges: touching, chosen: row };
    if (key === "layers" && this.pictures.drawn) {
      marks.drawn = { nodes: model.opsBelow(row).map((op) => model.ops.drawn[op]).filter((at) => at >= 0), edges: this.arrowsOf(touching) };
    }
    if (key === "drawn" && this.pictures.layers) {
      marks.layers = {
        nodes: [...new Set(model.opsWithin(row).map((op) => model.ops.owners[op]).filter((owner) => owner >= 0))],
        edges: touching.flatMap((arrow) => [...(model.edgesOf.get(arrow) || [])]),
      };
    }
    this.select({ marks: () => marks, fill: () => (key === "layers" ? this.details.layer(row) : this.details.box(row)) });
    this.bringMarked(marks, key);
    this.say(`${graph.name(row)}: ${number(touching.length, "edge")} marked.`);
  }

  selectEdge(key, edge) {
    if (key === "layers") this.selectLayerEdges(edge.rows);
    else this.selectArrows(edge.rows);
  }

  selectLayerEdges(edges) {
    const arrows = this.arrowsOf(edges);
    const marks = {
      layers: { nodes: this.endsOf("layers", edges), edges },
      drawn: { nodes: this.pictures.drawn ? this.endsOf("drawn", arrows) : [], edges: arrows },
    };
    this.select({ marks: () => marks, fill: () => this.details.layerEdges(edges) });
    this.bringMarked(marks);
    this.say(`${number(edges.length, "layer edge")} and ${number(arrows.length, "arrow")} marked.`);
  }

  selectArrows(arrows) {
    const edges = [...new Set(arrows.flatMap((arrow) => [...(this.model.edgesOf.get(arrow) || [])]))];
    const marks = {
      layers: { nodes: this.pictures.layers ? this.endsOf("layers", edges) : [], edges },
      drawn: { nodes: this.endsOf("drawn", arrows), edges: arrows },
    };
    this.select({ marks: () => marks, fill: () => this.details.arrows(arrows) });
    this.bringMarked(marks);
    this.say(`${number(arrows.length, "arrow")} and ${number(edges.length, "layer edge")} marked.`);
  }

  // --- going to what was searched ---

  async goTo(key, row) {
    await this.pictures[key].reveal(row);
    this.selectBox(key, row);
  }

  async goToOp(op) {
    const box = this.model.ops.drawn[op];
    const owner = this.model.ops.owners[op];
    if (box >= 0) await this.goTo("drawn", box);
    else if (owner >= 0) await this.goTo("layers", owner);
    else this.say(`${this.model.opName(op)} is in no box: TensorBoard does not draw it.`);
  }
}

function absent(key, model) {
  const undrawn = model.ops?.names.length
    ? "TensorBoard cannot draw this op graph; the findings say why."
    : "There is no op graph that TensorBoard could draw, so there is nothing to hold the layer graph against.";
  const why = {
    layers: ["Layer graph", "There is no layer graph, and no name scope that could stand for a layer."],
    drawn: ["Drawn graph", undrawn],
  }[key];
  return html("section", { class: "pane absent", id: `pane-${key}`, "aria-label": why[0] }, html("div", { class: "bar" }, html("h2", {}, why[0])), html("p", { class: "empty" }, why[1]));
}

// --- which model is shown, and what concerns all of them ---

const details = new Details();
const search = new Search();
const apps = new Map();
let app = null;

// The model of that place in the data; its pictures are drawn when it is shown first.
async function showModel(place) {
  if (app?.place === place) return;
  app?.clear();
  for (const element of document.querySelectorAll("[data-of]")) element.hidden = Number(element.dataset.of) !== place;
  for (const button of document.querySelectorAll(".choose")) button.setAttribute("aria-pressed", String(Number(button.dataset.model) === place));
  measure();
  const known = apps.get(place);
  app = known || new App(place);
  apps.set(place, app);
  app.attach();
  if (!known) await app.draw();
}

const measure = () => document.documentElement.style.setProperty("--above", `${document.querySelector("header").offsetHeight}px`);
addEventListener("resize", measure);

for (const button of document.querySelectorAll(".choose")) button.addEventListener("click", () => showModel(Number(button.dataset.model)));
for (const button of document.querySelectorAll(".pick")) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-pressed") === "true") return app.clear();
    await showModel(Number(button.dataset.model));
    return app.selectFinding(Number(button.dataset.finding));
  });
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") app?.clear();
  if (event.key === "/" && !event.target.matches("input")) {
    event.preventDefault();
    search.input.focus();
  }
});

let unfolded = [];
const paper = (on) => app && Object.values(app.pictures).forEach((picture) => picture.forPaper(on));
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("details:not([open], .keys)")];
  for (const each of unfolded) each.open = true;
  paper(true);
});
addEventListener("afterprint", () => {
  for (const each of unfolded) each.open = false;
  paper(false);
});

if (DATA.models.length) showModel(0);
else document.documentElement.dataset.ready = "true";
