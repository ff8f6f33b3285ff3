// --- folding.mjs: what is drawn of a level that has too many boxes ---------------------------------------------------
// A level of up to LEVEL_LIMIT boxes is drawn as it is. A larger one is folded, step by step until it is small enough:
// boxes without arrows into one; chains, in which each box has one arrow in and one out, into a box each; what lies
// between two boxes that all ways go through, and the latter of the two, into a block; and at last neighbors into
// parts. The ends of differing edges stay as they are, unless these alone are too many. All steps are linear in boxes
// and arrows.

/** @import {Arrow, Fold, Item, Links} from "./types" */

export const LEVEL_LIMIT = 60;
export const OPEN_LIMIT = 150; // models with more layers show their nested models closed
export const ASIDE_LIMIT = 30; // more auxiliary nodes than this are shown as one box
export const HANDLES_LIMIT = 3; // more handles of variables than this are shown as one box
export const AT_ONCE = 400; // boxes, beyond which "Open all" asks before it goes on

/**
 * The value of a key that the map holds.
 *
 * @template K, V
 * @param {Map<K, V>} map
 * @param {K} key
 * @returns {V}
 */
export function valueOf(map, key) {
  const value = map.get(key);
  if (value === undefined) throw new Error(`no value for ${key}`);
  return value;
}

/**
 * Folds one level.
 *
 * @param {number[]} units Rows of the boxes.
 * @param {Arrow[]} edges
 * @param {Set<number>} pinned Rows that must stay boxes of their own.
 * @param {number} limit How many boxes are wanted at most.
 * @returns {Item[]} Rows, and what takes the place of several.
 */
export function fold(units, edges, pinned, limit) {
  const links = linked(units, edges);
  /** @param {number} unit */
  const alone = (unit) => !valueOf(links.after, unit).size && !valueOf(links.before, unit).size && !pinned.has(unit);
  const lone = units.filter(alone);
  const apart = lone.length > 3 ? [{ kind: "apart", items: lone }] : [];
  const rest = apart.length ? units.filter((unit) => !alone(unit)) : units;
  let items = foldRuns(rest, links, pinned, limit);
  if (items.length > limit) items = foldBlocks(items, edges, pinned);
  if (items.length > 2 * limit) items = foldParts(items, pinned, limit);
  return [...items, ...apart];
}

/**
 * @param {number[]} units
 * @param {Arrow[]} edges
 * @returns {Links}
 */
function linked(units, edges) {
  const [after, before] = [1, 2].map(() => new Map(units.map((unit) => [unit, /** @type {Set<number>} */ (new Set())])));
  for (const { source, target } of edges) {
    const [targets, sources] = [after.get(source), before.get(target)];
    if (source === target || !targets || !sources) continue;
    targets.add(target);
    sources.add(source);
  }
  return { after, before };
}

/**
 * An order in which arrows run forwards and each box stands as late as it can; boxes on a cycle come first.
 *
 * @param {number[]} units
 * @param {Links} links
 */
function lateOrder(units, { after, before }) {
  const left = new Map(units.map((unit) => [unit, valueOf(after, unit).size]));
  const ready = units.filter((unit) => !left.get(unit));
  const order = [];
  for (let unit = ready.pop(); unit !== undefined; unit = ready.pop()) {
    order.push(unit);
    for (const earlier of valueOf(before, unit)) {
      left.set(earlier, valueOf(left, earlier) - 1);
      if (!left.get(earlier)) ready.push(earlier);
    }
  }
  const placed = new Set(order);
  return [...units.filter((unit) => !placed.has(unit)), ...order.reverse()];
}

/**
 * @param {number[]} units
 * @param {Links} links
 * @param {Set<number>} pinned
 * @param {number} limit
 * @returns {Item[]}
 */
function foldRuns(units, links, pinned, limit) {
  /** @param {Set<number>} set */
  const only = (set) => (set.size === 1 ? [...set][0] : undefined);
  /** @param {number} unit */
  const next = (unit) => {
    const found = only(valueOf(links.after, unit));
    const fits = found !== undefined && valueOf(links.before, found).size === 1 && !pinned.has(unit) && !pinned.has(found);
    return fits ? found : undefined;
  };
  const order = lateOrder(units, links);
  const taken = new Set();
  /** @type {Item[]} */
  const items = [];
  for (const unit of order) {
    if (taken.has(unit)) continue;
    const run = [];
    for (let at = /** @type {number | undefined} */ (unit); at !== undefined && !taken.has(at); at = next(at)) {
      taken.add(at);
      run.push(at);
    }
    // A chain that is nearly all there is would leave one box to look at: it becomes several.
    const size = run.length > limit / 2 ? Math.ceil(run.length / (limit / 3)) : run.length;
    for (let from = 0; from < run.length; from += size) {
      const piece = run.slice(from, from + size);
      if (piece.length > 2) items.push({ kind: "run", items: piece });
      else items.push(...piece);
    }
  }
  return items;
}

/**
 * @param {Item} item
 * @returns {number[]}
 */
export const unitsIn = (item) => (typeof item === "number" ? [item] : item.items.flatMap(unitsIn));

/**
 * @param {Item[]} items
 * @param {Arrow[]} edges
 * @param {Set<number>} pinned
 */
function foldBlocks(items, edges, pinned) {
  const placeOf = new Map(items.flatMap((item, place) => unitsIn(item).map((unit) => [unit, place])));
  const between = edges
    .filter(({ source, target }) => placeOf.has(source) && placeOf.has(target))
    .map(({ source, target }) => ({ source: valueOf(placeOf, source), target: valueOf(placeOf, target) }));
  const places = items.map((_, place) => place);
  const links = linked(places, between);
  const order = lateOrder(places, links);
  const at = new Map(order.map((place, position) => [place, position]));
  /** @param {number} place */
  const held = (place) => unitsIn(items[place]).some((unit) => pinned.has(unit));
  /** @type {Item[]} */
  const folded = [];
  /** @type {number[]} */
  let inside = [];
  let reach = 0;
  const close = () => {
    const whole = inside.map((place) => items[place]);
    if (inside.length > 2 && !inside.some(held)) folded.push({ kind: "block", items: whole });
    else folded.push(...whole);
    inside = [];
  };
  order.forEach((place, position) => {
    if (reach <= position) {
      // No arrow passes this box by.
      close();
      folded.push(items[place]);
    } else {
      inside.push(place);
    }
    for (const later of valueOf(links.after, place)) reach = Math.max(reach, valueOf(at, later));
  });
  close();
  return joined(folded, pinned);
}

/**
 * A block and what follows it one by one make one box: a residual block with its sum and its activation.
 *
 * @param {Item[]} items
 * @param {Set<number>} pinned
 */
function joined(items, pinned) {
  /** @type {Item[]} */
  const found = [];
  /** @type {Fold | null} */
  let block = null;
  for (const item of items) {
    if (typeof item !== "number" && item.kind === "block") {
      block = { kind: "block", items: [...item.items] };
      found.push(block);
    } else if (block && !unitsIn(item).some((unit) => pinned.has(unit))) {
      block.items.push(item);
    } else {
      block = null;
      found.push(item);
    }
  }
  return found;
}

/**
 * @param {Item[]} items
 * @param {Set<number>} pinned
 * @param {number} limit
 */
function foldParts(items, pinned, limit) {
  const size = Math.ceil(items.length / limit);
  /** @type {Item[]} */
  const folded = [];
  /** @type {Item[]} */
  let part = [];
  const close = () => {
    if (part.length > 1) folded.push({ kind: "part", items: part });
    else folded.push(...part);
    part = [];
  };
  for (const item of items) {
    if (unitsIn(item).some((unit) => pinned.has(unit))) {
      close();
      folded.push(item);
    } else if (part.push(item) >= size) {
      close();
    }
  }
  close();
  return folded;
}
