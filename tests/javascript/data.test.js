import assert from "node:assert/strict";
import { test } from "node:test";

import { DrawnGraph, LayerGraph, Model, shorten, statusNumbers } from "../../graphdiag/render/html/static/data.mjs";
import { number } from "../../graphdiag/render/html/static/elements.mjs";

/** @import {DrawnData, LayerData, ModelData, Status} from "../../graphdiag/render/html/static/types" */

/**
 * @param {string} id
 * @param {string} letter
 * @returns {Status}
 */
const status = (id, letter) => ({ id, label: id, about: "", tone: "", letter, dash: "", width: 1, double: false, arrow: "filled" });

const TABLE = { statuses: [status("model", ""), status("aside", ""), status("missing", "M"), status("hidden", "H")], shapes: true };
const { model: MODEL, aside: ASIDE, missing: MISSING, hidden: HIDDEN } = statusNumbers(TABLE.statuses);

/**
 * Layers `a`, `b`, ... of class Dense, all at the top, with edges between them.
 *
 * @param {number} count
 * @param {[number, number, number][]} edges Source, target, status.
 * @param {Partial<LayerData>} [more]
 * @returns {LayerData}
 */
function layers(count, edges, more = {}) {
  const names = Array.from({ length: count }, (_, row) => String.fromCharCode(97 + row));
  return {
    recorded: true, names, labels: names, kinds: names.map(() => 0), classes: names.map(() => 0), class_names: ["Dense"],
    parents: names.map(() => -1), calls: names.map(() => 1), shapes: names.map(() => "(None, 4)"),
    parameters: names.map(() => 20), inputs: [0], outputs: [count - 1], lines: {}, settings: {},
    edges: {
      source: edges.map(([source]) => source), target: edges.map(([, target]) => target), status: edges.map(([, , which]) => which),
      in_model: edges.map(([, , which]) => Number(which === MODEL || which === MISSING)), op_edges: edges.map(() => 1),
      carries: edges.map(() => 0), carried: ["values"],
    },
    ...more,
  };
}

/**
 * The drawn graph of boxes `a`, `b`, ..., each with one op in it. Row 0 is the root, then come boxes, then ops.
 *
 * @param {number} count
 * @param {[number, number, number][]} edges Source, target, whether it is on screen.
 * @param {Partial<DrawnData>} [more]
 * @returns {DrawnData}
 */
function drawn(count, edges, more = {}) {
  const boxes = Array.from({ length: count }, (_, place) => place);
  return {
    root: 0, labels: ["", ...boxes.map((row) => String.fromCharCode(97 + row)), ...boxes.map(() => "MatMul")], whole: [],
    types: [0, ...boxes.map(() => 0), ...boxes.map(() => 1)], parents: [-1, ...boxes.map(() => 0), ...boxes.map((row) => row + 1)],
    cardinalities: [count, ...boxes.map(() => 1), ...boxes.map(() => 1)], ops: [-1, ...boxes.map(() => -1), ...boxes.map(() => 0)],
    op_types: ["MatMul"], aside: [], why: [], library: [],
    edges: {
      source: edges.map(([source]) => source), target: edges.map(([, target]) => target), regular: edges.map(() => 1),
      control: edges.map(() => 0), reference: edges.map(() => 0), left: edges.map(([, , left]) => left),
    },
    ...more,
  };
}

/**
 * A model whose layers have one op each, in a box of the same name.
 *
 * @param {number} count
 * @param {[number, number, number][]} edges Of layers.
 * @param {[number, number, number][]} arrows
 * @param {Partial<ModelData>} [more]
 * @returns {ModelData}
 */
function model(count, edges, arrows, more = {}) {
  const ops = Array.from({ length: count }, (_, op) => op);
  const crossing = edges.map((edge, row) => ({ edge, row })).filter(({ edge }) => edge[2] !== MISSING);
  return {
    layers: layers(count, edges), drawn: drawn(count, arrows),
    ops: { names: ops.map(() => 0), types: ops.map(() => 0), type_names: ["MatMul"], drawn: ops.map((op) => count + 1 + op), owners: ops },
    crossings: {
      edge: crossing.map(({ row }) => row), source: crossing.map(({ edge }) => edge[0]), target: crossing.map(({ edge }) => edge[1]),
      output: crossing.map(() => 0),
    },
    findings: [],
    ...more,
  };
}

test("counts are said in words", () => {
  assert.equal(number(1, "edge"), "1 edge");
  assert.equal(number(1234, "box", "boxes"), "1,234 boxes");
});

test("a long name keeps its beginning and its end", () => {
  assert.equal(shorten("dense", 10), "dense");
  assert.equal(shorten("a_very_long_name_of_a_layer_17", 11), "a_ver…er_17");
  assert.equal(Array.from(shorten("😀".repeat(50), 11)).length, 11);
});

test("a closed model shows one edge for all that cross its border, with the most severe status", () => {
  // c is a nested model that holds d and e.
  const graph = new LayerGraph(
    layers(5, [[0, 3, MODEL], [0, 4, HIDDEN], [3, 4, MODEL], [4, 1, MODEL]], { parents: [-1, -1, -1, 2, 2], kinds: [0, 0, 1, 0, 0] }),
    TABLE,
  );
  graph.close(2);
  const seen = graph.visible();
  assert.deepEqual(seen.boxes, [0, 1, 2]);
  assert.deepEqual(seen.edges.map(({ source, target, status: which, rows }) => ({ source, target, which, rows })), [
    { source: 0, target: 2, which: HIDDEN, rows: [0, 1] },
    { source: 2, target: 1, which: MODEL, rows: [3] },
  ]);
});

test("an opened model shows what is in it", () => {
  const graph = new LayerGraph(layers(4, [[0, 2, MODEL], [2, 3, MODEL]], { parents: [-1, -1, 1, 1], kinds: [0, 1, 0, 0] }), TABLE);
  const seen = graph.visible();
  assert.deepEqual(seen.boxes, [0, 2, 3]);
  assert.deepEqual(seen.root.inside, [{ row: 0, inside: null }, { row: 1, inside: [{ row: 2, inside: null }, { row: 3, inside: null }] }]);
  assert.equal(seen.edges.length, 2);
});

test("revealing a row opens what is around it, and says whether anything was closed", () => {
  const graph = new LayerGraph(layers(3, [], { parents: [-1, 0, 1], kinds: [1, 1, 0] }), TABLE);
  graph.opened.clear();
  assert.equal(graph.shownBy(2), 0);
  assert.equal(graph.reveal(2), true);
  assert.equal(graph.shownBy(2), 2);
  assert.equal(graph.reveal(2), false);
});

test("a level of too many layers is folded, but not the ends of differing edges", () => {
  const count = 200;
  /** @type {[number, number, number][]} */
  const chain = Array.from({ length: count - 1 }, (_, row) => [row, row + 1, MODEL]);
  const graph = new LayerGraph(layers(count, [...chain, [20, 150, HIDDEN]]), TABLE);
  graph.foldInside(-1);
  const seen = graph.visible();
  assert.ok(seen.boxes.length <= 60);
  assert.ok(seen.boxes.includes(20) && seen.boxes.includes(150));
  assert.deepEqual(seen.boxes.flatMap((row) => graph.leaves(row)).sort((left, right) => left - right), Array.from({ length: count }, (_, row) => row));
  const folded = seen.boxes.find((row) => row >= graph.own) ?? -1;
  assert.match(graph.name(folded), / … /);
  assert.match(graph.sub(folded), /^\d+ layers in a row$/);
  assert.ok(graph.canOpen(folded));
});

test("a layer's box says its class and its shape, and its details the parameters and where it was made", () => {
  const graph = new LayerGraph(layers(2, [[0, 1, MODEL]], { parameters: [null, 1050], lines: { 1: "model.py, line 7" }, calls: [1, 3] }), TABLE);
  assert.equal(graph.sub(0), "Dense · (None, 4)");
  assert.deepEqual(graph.facts(0), ["Dense", "(None, 4)", "input of the model"]);
  assert.deepEqual(graph.facts(1), ["Dense", "(None, 4)", "1,050 parameters", "called 3 times", "gives an output of the model", "made in model.py, line 7"]);
  assert.equal(new LayerGraph(graph.data, { ...TABLE, shapes: false }).sub(0), "Dense");
});

test("drawn nodes have the names of the metanodes around them", () => {
  const graph = new DrawnGraph(drawn(2, []), TABLE);
  assert.equal(graph.name(2), "b");
  assert.equal(graph.name(4), "b/MatMul");
  const whole = new DrawnGraph(drawn(2, [], { whole: [4] }), TABLE);
  assert.equal(whole.name(4), "MatMul");
});

test("series lend no name to what they hold", () => {
  const graph = new DrawnGraph(drawn(2, [], { types: [0, 0, 2, 1, 1] }), TABLE);
  assert.equal(graph.name(4), "MatMul");
});

test("an arrow lies where the ways of its ops to the top meet", () => {
  const graph = new DrawnGraph(drawn(2, [[1, 2, 1]]), TABLE);
  assert.equal(graph.arrow(3, 4), 0);
  assert.equal(graph.arrow(4, 3), undefined);
});

test("what TensorBoard moved aside stands in a box of its own, opened while it is small", () => {
  const few = new DrawnGraph(drawn(3, [], { aside: [2, 3], why: ["many inputs", "many outputs"] }), TABLE);
  const [box] = [...few.groups.keys()];
  assert.equal(few.label(box), "Auxiliary nodes");
  assert.deepEqual(few.visible().boxes, [1, 2, 3]);
  assert.deepEqual(few.facts(2).at(-1), 'under "Auxiliary Nodes": many inputs');
  const rows = Array.from({ length: 40 }, (_, place) => place + 1);
  const many = new DrawnGraph(drawn(40, [], { aside: rows, why: rows.map(() => "why") }), TABLE);
  assert.deepEqual(many.visible().boxes, [...many.groups.keys()]);
});

test("arrows have the status of the layer edges that they stand for", () => {
  const found = new Model(model(3, [[0, 1, MODEL], [0, 2, HIDDEN]], [[1, 2, 1], [1, 3, 1]]), TABLE);
  assert.deepEqual(found.drawn?.edges.map((edge) => edge.status), [MODEL, HIDDEN]);
  assert.deepEqual(found.arrowsOf, new Map([[0, new Set([0])], [1, new Set([1])]]));
  assert.deepEqual(found.edgesOf, new Map([[0, new Set([0])], [1, new Set([1])]]));
});

test("an arrow that TensorBoard does not show is drawn when a finding is about it", () => {
  const data = model(2, [[0, 1, MODEL]], [[1, 2, 0]]);
  assert.equal(new Model(data, TABLE).drawn?.visible().edges.length, 0);
  const finding = { code: "GD200", rule: "", verdict: "", edges: [0], layers: [], boxes: [] };
  const [edge] = new Model({ ...data, findings: [finding] }, TABLE).drawn?.visible().edges ?? [];
  assert.equal(edge.status, ASIDE);
});

test("an edge of Keras that is not drawn is shown as missing between the boxes of its layers", () => {
  const found = new Model(model(2, [[0, 1, MISSING]], []), TABLE);
  assert.deepEqual(found.drawn?.edges, [{ source: 3, target: 4, status: MISSING, firm: false, missing: true }]);
  assert.deepEqual(found.drawn?.others(found.drawn.visible().edges), ["1 missing"]);
  assert.deepEqual(found.arrowsOf.get(0), new Set([0]));
});

test("a layer's home is the innermost box that holds all its ops, and at the top the box with most of them", () => {
  const data = model(3, [], []);
  assert.equal(new Model(data, TABLE).homeOf(1), 5);
  data.ops = data.ops && { ...data.ops, drawn: [4, 5, 5], owners: [0, 0, 0] };
  const found = new Model(data, TABLE);
  assert.equal(found.homeOf(0), 2);
  assert.equal(found.homeOf(2), -1);
});

test("ops of a box are those at every depth, and ops have their box's name", () => {
  const found = new Model(model(2, [], []), TABLE);
  assert.deepEqual(found.opsWithin(1), [0]);
  assert.deepEqual(found.opsBelow(1), [1]);
  assert.deepEqual(found.ownersOf([0, 1, 1]), [0, 1]);
  assert.equal(found.opName(1), "b/MatMul");
  assert.equal(found.opType(1), "MatMul");
});

test("an op graph without layers and name scopes is shown", () => {
  const found = new Model(model(2, [], [[1, 2, 1]], { layers: null }), TABLE);
  assert.equal(found.layers, null);
  assert.deepEqual(found.drawn?.visible().boxes, [1, 2]);
});

test("layers without an op graph are shown", () => {
  const found = new Model(model(2, [[0, 1, MODEL]], [], { drawn: null, ops: null, crossings: { edge: [], source: [], target: [], output: [] } }), TABLE);
  assert.deepEqual(found.layers?.visible().boxes, [0, 1]);
  assert.equal(found.homeOf(0), -1);
});

test("all boxes are opened, level by level, but not so many at once that they take long to lay out", () => {
  /** @type {Partial<LayerData>} */
  const nested = { parents: [-1, 0, 1, -1, 3, 3], kinds: [1, 1, 0, 1, 0, 0] };
  const graph = new LayerGraph(layers(6, [], nested), TABLE);
  graph.opened.clear();
  assert.equal(graph.openAll(2), 1);
  assert.deepEqual(graph.visible().boxes, [1, 4, 5]);
  assert.equal(graph.openAll(2), 0);
  assert.deepEqual(graph.visible().boxes, [2, 4, 5]);
});

test("the box that holds the layers is open at first, and no box of a single layer", () => {
  // `outer` (1) holds the boxes of both layers, each with an op.
  const boxes = drawn(3, [[2, 3, 1]], { parents: [-1, 0, 1, 1, 1, 2, 3] });
  const data = model(2, [[0, 1, MODEL]], [], { drawn: boxes, ops: { names: [0, 0], types: [0, 0], type_names: ["MatMul"], drawn: [5, 6], owners: [0, 1] } });
  assert.deepEqual(new Model(data, TABLE).drawn?.visible().boxes, [2, 3, 4]);
  const apart = drawn(3, [[2, 3, 1]]);
  assert.deepEqual(new Model({ ...data, drawn: apart }, TABLE).drawn?.visible().boxes, [1, 2, 3]);
});

test("handles of variables stand in one box that says what they are, wherever there are many", () => {
  const rows = [1, 2, 3, 4];
  const root = new DrawnGraph(drawn(5, [], { handles: rows }), TABLE);
  const [box] = [...root.groups.keys()];
  assert.equal(root.label(box), "Captured variables");
  assert.deepEqual(root.facts(box), ["4 variables", "variables that the traced function takes as arguments", "folded by this page"]);
  assert.deepEqual(root.visible().boxes, [box, 5]);
  const aside = new DrawnGraph(drawn(5, [], { handles: rows, aside: rows, why: rows.map(() => "") }), TABLE);
  assert.deepEqual(aside.visible().boxes.map((row) => aside.label(row)), ["Captured variables", "e"]);
  const few = new DrawnGraph(drawn(5, [], { handles: [1, 2] }), TABLE);
  assert.deepEqual(few.visible().boxes, [1, 2, 3, 4, 5]);
});

test("a row is found by its name, and what the page folded is not", () => {
  const graph = new DrawnGraph(drawn(2, []), TABLE);
  assert.equal(graph.rowOf("b/MatMul"), 4);
  assert.equal(graph.rowOf("Auxiliary nodes"), -1);
});
