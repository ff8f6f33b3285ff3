import assert from "node:assert/strict";
import { test } from "node:test";

import { fold, unitsIn } from "../../graphdiag/render/html/static/folding.mjs";

/** @import {Arrow, Item} from "../../graphdiag/render/html/static/types" */

const NONE = /** @type {Set<number>} */ (new Set());

/** @param {number} length */
const upTo = (length) => Array.from({ length }, (_, place) => place);

/**
 * Arrows from each row to the next.
 *
 * @param {...number} rows
 * @returns {Arrow[]}
 */
const path = (...rows) => rows.slice(1).map((target, place) => ({ source: rows[place], target }));

/** @param {Item[]} items */
const sorted = (items) => items.flatMap(unitsIn).sort((left, right) => left - right);

/** @param {Item} item */
const kind = (item) => (typeof item === "number" ? "box" : item.kind);

test("a diamond stays as it is", () => {
  const edges = [...path(0, 1, 3), ...path(0, 2, 3)];
  assert.deepEqual(new Set(fold(upTo(4), edges, NONE, 60)), new Set([0, 1, 2, 3]));
});

test("a chain becomes one box, in its order", () => {
  const edges = [...path(0, 9, 8, 7, 1), ...path(0, 2, 1)];
  const items = fold([0, 1, 2, 7, 8, 9], edges, NONE, 60);
  assert.deepEqual(items.filter((item) => kind(item) === "run"), [{ kind: "run", items: [9, 8, 7] }]);
});

test("a chain of two stays two boxes", () => {
  const items = fold(upTo(5), [...path(0, 1, 2, 4), ...path(0, 3, 4)], NONE, 60);
  assert.ok(items.every((item) => typeof item === "number"));
});

test("a chain that is nearly all there is becomes several boxes", () => {
  const items = fold(upTo(100), path(...upTo(100)), NONE, 60);
  assert.deepEqual(items.map(kind), Array(20).fill("run"));
  assert.deepEqual(items.flatMap(unitsIn), upTo(100));
});

test("boxes without arrows become one, at the end", () => {
  const items = fold(upTo(8), path(0, 1), NONE, 60);
  assert.deepEqual(items, [0, 1, { kind: "apart", items: [2, 3, 4, 5, 6, 7] }]);
});

test("three boxes without arrows stay as they are", () => {
  assert.deepEqual(fold(upTo(3), [], NONE, 60), [0, 1, 2]);
});

test("what lies between two boxes that all ways go through becomes a block, with the latter of the two", () => {
  // Twenty diamonds in a row: 0 splits into 1 and 2 (each before two more), which join at 5, and so on.
  const edges = upTo(20).flatMap((place) => {
    const from = 6 * place;
    return [...path(from, from + 1, from + 3, from + 5), ...path(from, from + 2, from + 4, from + 5), ...path(from + 5, from + 6)];
  });
  const items = fold(upTo(121), edges, NONE, 60);
  const blocks = items.filter((item) => kind(item) === "block");
  assert.equal(blocks.length, 20);
  assert.ok(items.length <= 60);
  for (const [place, block] of blocks.entries()) assert.ok(unitsIn(block).includes(6 * place + 5));
  assert.deepEqual(sorted(items), upTo(121));
});

test("a level of any shape comes close to the limit, and no box is lost or doubled", () => {
  // Each box has arrows to two later ones: there are no chains and hardly any blocks.
  const edges = upTo(1000).flatMap((place) => [place + 1, place + 7].filter((target) => target < 1000).map((target) => ({ source: place, target })));
  const items = fold(upTo(1000), edges, NONE, 60);
  assert.ok(items.length <= 120, `${items.length}`);
  assert.deepEqual(sorted(items), upTo(1000));
});

test("pinned boxes stay boxes of their own", () => {
  const pinned = new Set([0, 30, 31, 77, 99]);
  for (const edges of [path(...upTo(100)), []]) {
    const items = fold(upTo(100), edges, pinned, 60);
    for (const row of pinned) assert.ok(items.includes(row), `${row}`);
    assert.deepEqual(sorted(items), upTo(100));
  }
});

test("boxes on a cycle are folded like others, and none is lost", () => {
  const items = fold(upTo(90), [...path(...upTo(90)), ...path(89, 0)], NONE, 60);
  assert.deepEqual(sorted(items), upTo(90));
});

test("arrows to itself and to boxes of other levels count for nothing", () => {
  const items = fold(upTo(4), [{ source: 0, target: 0 }, { source: 1, target: 500 }, { source: -1, target: 2 }], NONE, 60);
  assert.deepEqual(items, [{ kind: "apart", items: [0, 1, 2, 3] }]);
});

test("the same level folds the same way", () => {
  const edges = upTo(400).map((place) => ({ source: place, target: (place * 7 + 3) % 400 }));
  assert.deepEqual(fold(upTo(400), edges, NONE, 60), fold(upTo(400), edges, NONE, 60));
});
