// --- panels.js: details of what is selected, and search -------------------------------------------------------------

const ROWS_SHOWN = 60;

function tag(status) {
  const element = html("span", { class: `tag tone-${STATUSES[status].tone}` }, STATUSES[status].letter || "·");
  element.title = STATUSES[status].label;
  return element;
}

// A list that shows its first rows, and more on demand: a nested model may have thousands of ops.
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

class Details {
  constructor() {
    this.app = null; // of the model that is shown
    this.element = document.getElementById("details");
  }

  clear() {
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  fill(title, what, acts, ...parts) {
    const close = html("button", { type: "button", class: "act", "aria-label": "Clear the selection", onclick: () => this.app.clear() }, "×");
    this.element.replaceChildren(
      html("div", { class: "head" }, html("h2", { id: "details-title" }, title), close),
      html("p", { class: "what" }, what),
      html("div", { class: "acts" }, ...acts),
      ...parts.flat().filter(Boolean),
    );
    this.element.hidden = false;
    this.element.scrollIntoView({ block: "nearest" });
  }

  part(title, items, make) {
    return items.length ? [html("h3", {}, `${title} (${items.length.toLocaleString("en")})`), rows(items, make)] : [];
  }

  act(label, onclick) {
    return html("button", { type: "button", class: "act", onclick }, label);
  }

  opening(picture, row) {
    if (!picture.graph.canOpen(row)) return [];
    return [this.act(picture.graph.opened.has(row) ? "Close this box" : "Open this box", () => picture.toggle(row))];
  }

  link(text, small, status, onclick) {
    return html("button", { type: "button", class: "row", onclick }, ...(status === null ? [] : [tag(status)]), text, " ", html("small", {}, small));
  }

  op(op) {
    const { model } = this.app;
    return html("span", { class: "row" }, html("code", {}, model.opName(op)), " ", html("small", {}, model.opType(op)));
  }

  findingsOn(test) {
    const { app } = this;
    return this.part("Findings", app.model.findings.map((finding, number) => ({ finding, number })).filter(({ finding }) => test(finding)), ({ finding, number }) =>
      this.link(`${finding.code} ${finding.rule}`.trim(), finding.verdict, finding.verdict in STATUS ? STATUS[finding.verdict] : null, () => app.selectFinding(number)));
  }

  layer(row) {
    const { app } = this;
    const graph = app.model.layers;
    const picture = app.pictures.layers;
    const inside = new Set(graph.leaves(row));
    const walk = (at) => (graph.children.get(at) || []).forEach((child) => inside.add(child) && walk(child));
    walk(row);
    const ends = (mine, other) => graph.edges.map((edge, place) => ({ edge, place })).filter(({ edge }) => inside.has(edge[mine]) && !inside.has(edge[other]));
    const edge = (end) => ({ edge: found, place }) => this.layerEdgeLink(place, inside.size > 1 ? this.way(graph, found) : graph.name(found[end]));
    const ops = app.model.opsBelow(row);
    this.fill(
      graph.name(row), graph.facts(row).join(" · "), this.opening(picture, row),
      this.findingsOn((finding) => finding.layers.some((at) => inside.has(at)) || finding.edges.some((at) => inside.has(graph.edges[at].source) || inside.has(graph.edges[at].target))),
      this.part("In from", ends("target", "source"), edge("source")),
      this.part("Out to", ends("source", "target"), edge("target")),
      this.part("Ops", ops, (op) => this.op(op)),
    );
  }

  way(graph, edge) {
    return `${graph.name(edge.source)} → ${graph.name(edge.target)}`;
  }

  layerEdgeLink(place, name) {
    const graph = this.app.model.layers;
    const { status } = graph.edges[place];
    const carries = graph.carries(place);
    return this.link(name, [STATUSES[status].label, carries && `carries ${carries}`].filter(Boolean).join("; "), status, () => this.app.selectLayerEdges([place]));
  }

  box(row) {
    const { app } = this;
    const { model } = app;
    const graph = model.drawn;
    const inside = new Set([row]);
    const walk = (at) => (graph.children.get(at) || []).forEach((child) => inside.add(child) && walk(child));
    walk(row);
    const ends = (mine, other) => graph.edges.map((edge, place) => ({ edge, place })).filter(({ edge }) => (edge[mine] === row || (row >= graph.own && inside.has(edge[mine]))) && !inside.has(edge[other]));
    const ops = model.opsWithin(row);
    const owners = [...new Set(ops.map((op) => model.ops.owners[op]).filter((owner) => owner >= 0))];
    this.fill(
      graph.name(row), graph.facts(row).join(" · "), this.opening(app.pictures.drawn, row),
      this.findingsOn((finding) => finding.boxes.some((at) => inside.has(at)) || finding.edges.some((at) => [...(model.arrowsOf.get(at) || [])].some((arrow) => inside.has(graph.edges[arrow].source) || inside.has(graph.edges[arrow].target)))),
      model.layers ? this.part("Holds ops of", owners, (owner) => this.link(model.layers.name(owner), model.layers.sub(owner), null, () => app.selectBox("layers", owner))) : [],
      this.part("In from", ends("target", "source"), ({ edge, place }) => this.arrowLink(place, row >= graph.own ? this.way(graph, edge) : graph.name(edge.source))),
      this.part("Out to", ends("source", "target"), ({ edge, place }) => this.arrowLink(place, row >= graph.own ? this.way(graph, edge) : graph.name(edge.target))),
      this.part("Ops", ops, (op) => this.op(op)),
    );
  }

  arrowLink(place, name) {
    const edge = this.app.model.drawn.edges[place];
    const layerEdges = [...(this.app.model.edgesOf.get(place) || [])];
    const carries = [...new Set(layerEdges.flatMap((row) => this.app.model.layers.carries(row).split(", ")).filter(Boolean))];
    const words = [this.counts(place), carries.length && `carries ${carries.join(", ")}`, edge.quiet && "not drawn as an arrow"];
    return this.link(name, words.filter(Boolean).join("; "), edge.status, () => this.app.selectArrows([place]));
  }

  counts(place) {
    const { regular, control, reference } = this.app.model.drawn.data.edges;
    if (place >= regular.length) return "missing: TensorBoard draws no such arrow";
    const kinds = [[regular, "tensor"], [control, "control dependency"], [reference, "reference"]];
    return kinds.filter(([column]) => column[place]).map(([column, what]) => number(column[place], what, what.replace(/y$/, "ie") + "s")).join(", ");
  }

  layerEdges(places) {
    const { app } = this;
    const graph = app.model.layers;
    const [first] = places;
    const edge = graph.edges[first];
    const crossings = places.flatMap((place) => [...(app.model.crossingsOf.get(place) || [])]);
    const several = places.length > 1;
    const status = STATUSES[Math.max(...places.map((place) => graph.edges[place].status))];
    const carries = graph.carries(first);
    this.fill(
      several ? number(places.length, "layer edge") : this.way(graph, edge),
      several ? status.label : [`${status.label}: ${status.about}.`, carries ? `Carries ${carries}.` : "", number(graph.data.edges.op_edges[first], "op edge") + "."].filter(Boolean).join(" "),
      [],
      this.findingsOn((finding) => places.some((place) => finding.edges.includes(place))),
      several ? this.part("Layer edges", places, (place) => this.layerEdgeLink(place, this.way(graph, graph.edges[place]))) : this.ends("layers", edge),
      this.part("Op edges", crossings, (place) => this.crossing(place)),
    );
  }

  arrows(places) {
    const { app } = this;
    const graph = app.model.drawn;
    const [first] = places;
    const edge = graph.edges[first];
    const layerEdges = [...new Set(places.flatMap((place) => [...(app.model.edgesOf.get(place) || [])]))];
    const several = places.length > 1;
    const status = STATUSES[Math.max(...places.map((place) => graph.edges[place].status))];
    this.fill(
      several ? number(places.length, "arrow") : this.way(graph, edge),
      [status.letter || status.id === "aside" ? `${status.label}: ${status.about}.` : "", several ? "" : this.counts(first)].filter(Boolean).join(" "),
      [],
      this.findingsOn((finding) => layerEdges.some((place) => finding.edges.includes(place))),
      several ? this.part("Arrows", places, (place) => this.arrowLink(place, this.way(graph, graph.edges[place]))) : this.ends("drawn", edge),
      this.part("Layer edges", layerEdges, (place) => this.layerEdgeLink(place, this.way(app.model.layers, app.model.layers.edges[place]))),
    );
  }

  ends(key, edge) {
    const { graph } = this.app.pictures[key];
    return this.part("Between", [edge.source, edge.target], (row) => this.link(graph.name(row), graph.sub(row), null, () => this.app.selectBox(key, row)));
  }

  crossing(place) {
    const { model } = this.app;
    const { source, target, output } = model.data.crossings;
    const what = output[place] < 0 ? "control dependency" : `output ${output[place]}`;
    return html("span", { class: "row" }, html("code", {}, model.opName(source[place])), ` (${model.opType(source[place])}, ${what}) → `, html("code", {}, model.opName(target[place])), ` (${model.opType(target[place])})`);
  }
}

const HITS_SHOWN = 40;

class Search {
  constructor() {
    this.app = null; // of the model that is shown
    this.input = document.getElementById("search");
    this.list = document.getElementById("hits");
    this.input.addEventListener("input", () => {
      clearTimeout(this.soon);
      this.soon = setTimeout(() => this.look(), 120);
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
      const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
      if (event.key === "Escape") this.input.focus();
      if (!step) return;
      event.preventDefault();
      (event.target.closest("li")?.[step]?.querySelector("button") || this.input).focus();
    });
    this.input.form.addEventListener("submit", (event) => event.preventDefault());
  }

  clear() {
    this.input.value = "";
    this.list.hidden = true;
  }

  look() {
    clearTimeout(this.soon);
    const words = this.input.value.toLowerCase().trim();
    this.list.hidden = !words;
    if (!words) return;
    const { hits, all } = this.find(words);
    this.list.replaceChildren(
      ...hits.map(({ kind, name, small, act }) => html("li", {}, html("button", { type: "button", class: "row", onclick: act }, name, " ", html("small", {}, `${kind} · ${small}`)))),
      ...(all > hits.length ? [html("li", {}, html("p", {}, `and ${number(all - hits.length, "more hit")}; type more of the name`))] : []),
      ...(all ? [] : [html("li", {}, html("p", {}, "Nothing has this name, class or type."))]),
    );
    this.app.say(number(all, "hit"));
  }

  // Layers first, then boxes, then ops; in each, names that begin with the words come first.
  find(words) {
    const { model, app } = { model: this.app.model, app: this.app };
    const found = [[], [], []];
    let all = 0;
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
