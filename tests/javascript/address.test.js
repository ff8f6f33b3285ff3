import assert from "node:assert/strict";
import { test } from "node:test";

import { fragmentOf, selectedBy } from "../../graphdiag/render/html/static/address.mjs";

/** @import {Selected} from "../../graphdiag/render/html/static/types" */

/** @type {Selected} */
const NOTHING = { model: 0, code: "", nth: 0, kind: "", names: [] };

/** @type {[string, Selected][]} */
const ADDRESSES = [
  ["#", NOTHING],
  ["#GD303", { ...NOTHING, code: "GD303" }],
  ["#GD303.2", { ...NOTHING, code: "GD303", nth: 1 }],
  ["#model=3&GD101", { ...NOTHING, model: 2, code: "GD101" }],
  ["#layer=block%2Fconv%201", { ...NOTHING, kind: "layer", names: ["block/conv 1"] }],
  ["#edge=a%26b&to=%3Cb%3E", { ...NOTHING, kind: "edge", names: ["a&b", "<b>"] }],
];

for (const [fragment, selected] of ADDRESSES) {
  test(`${fragment} is what it selects`, () => {
    assert.equal(fragmentOf(selected), fragment);
    assert.deepEqual(selectedBy(fragment), selected);
  });
}

test("an address that nobody wrote selects nothing", () => {
  for (const fragment of ["", "#pictures", "#model=-4", "#model=x", "#GD", "#&&=", "#%"]) assert.deepEqual(selectedBy(fragment), NOTHING);
});

test("a code may be written small", () => {
  assert.equal(selectedBy("#gd116").code, "GD116");
});
