// --- address.mjs: what is selected, as the fragment of the page's address --------------------------------------------
// `#GD303` is a finding, `#GD303.2` the second one of that code, `#layer=conv1` a layer, `#edge=conv1&to=pool1` an edge.
// A page of several models puts the model's number first: `#model=2&GD303`.

/** @import {Selected} from "./types" */

/**
 * The fragment for a selection.
 *
 * @param {Selected} place
 * @returns {string} With its `#`.
 */
export function fragmentOf({ model, code, nth, kind, names }) {
  const parts = model ? [`model=${model + 1}`] : [];
  if (code) parts.push(encodeURIComponent(nth ? `${code}.${nth + 1}` : code));
  if (kind) parts.push(...names.map((name, at) => `${at ? "to" : kind}=${encodeURIComponent(name)}`));
  return `#${parts.join("&")}`;
}

/**
 * What a fragment selects. Whether there is such a thing is for the page to find out.
 *
 * @param {string} fragment With its `#`, or empty.
 * @returns {Selected}
 */
export function selectedBy(fragment) {
  /** @type {Selected} */
  const found = { model: 0, code: "", nth: 0, kind: "", names: [] };
  for (const [key, value] of new URLSearchParams(fragment.replace(/^#/, ""))) {
    const finding = /^([A-Za-z]+\d+)(?:\.(\d+))?$/.exec(key);
    if (key === "model") found.model = Math.max(0, Number.parseInt(value, 10) - 1 || 0);
    else if (key === "to") found.names.push(value);
    else if (value) Object.assign(found, { kind: key, names: [value] });
    else if (finding) Object.assign(found, { code: finding[1].toUpperCase(), nth: Math.max(0, Number(finding[2] ?? 1) - 1) });
  }
  return found;
}
