// --- folding.js: what is drawn of a level that has too many boxes ---------------------------------------------------
// A level of up to LEVEL_LIMIT boxes is drawn as it is. A larger one is folded, step by step until it is small enough:
// boxes without arrows into one; chains, in which each box has one arrow in and one out, into a box each; what lies
// between two boxes that all ways go through, and the latter of the two, into a block; and at last neighbors into
// parts. The ends of differing edges stay as they are, unless these alone are too many. All steps are linear in boxes
// and arrows.

const LEVEL_LIMIT = 60;
const OPEN_LIMIT = 150; // models with more layers show their nested models closed
const ASIDE_LIMIT = 30; // more auxiliary nodes than this are shown as one box

function fold(units, edges, pinned, limit) {
  const links = linked(units, edges);
  const lone = units.filter((unit) => !links.after.get(unit).size && !links.before.get(unit).size && !pinned.has(unit));
  const apart = lone.length > 3 ? [{ kind: "apart", items: lone }] : [];
  const rest = apart.length ? units.filter((unit) => links.after.get(unit).size || links.before.get(unit).size || pinned.has(unit)) : units;
  let items = foldRuns(rest, links, pinned, limit);
  if (items.length > limit) items = foldBlocks(items, edges, pinned);
  if (items.length > 2 * limit) items = foldParts(items, pinned, limit);
  return [...items, ...apart];
}

function linked(units, edges) {
  const after = new Map(units.map((unit) => [unit, new Set()]));
  const before = new Map(units.map((unit) => [unit, new Set()]));
  for (const { source, target } of edges) {
    if (source === target || !after.has(source) || !after.has(target)) continue;
    after.get(source).add(target);
    before.get(target).add(source);
  }
  return { after, before };
}

// An order in which arrows run forwards and each box stands as late as it can; boxes on a cycle come first.
function lateOrder(units, { after, before }) {
  const left = new Map(units.map((unit) => [unit, after.get(unit).size]));
  const ready = units.filter((unit) => !left.get(unit));
  const order = [];
  while (ready.length) {
    const unit = ready.pop();
    order.push(unit);
    for (const earlier of before.get(unit)) {
      left.set(earlier, left.get(earlier) - 1);
      if (!left.get(earlier)) ready.push(earlier);
    }
  }
  const placed = new Set(order);
  return [...units.filter((unit) => !placed.has(unit)), ...order.reverse()];
}

function foldRuns(units, links, pinned, limit) {
  const only = (set) => (set.size === 1 ? set.values().next().value : undefined);
  const next = (unit) => {
    const found = only(links.after.get(unit));
    const fits = found !== undefined && links.before.get(found).size === 1 && !pinned.has(unit) && !pinned.has(found);
    return fits ? found : undefined;
  };
  const order = lateOrder(units, links);
  const taken = new Set();
  const items = [];
  for (const unit of order) {
    if (taken.has(unit)) continue;
    const run = [];
    for (let at = unit; at !== undefined && !taken.has(at); at = next(at)) {
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

const unitsIn = (item) => (typeof item === "number" ? [item] : item.items.flatMap(unitsIn));

function foldBlocks(items, edges, pinned) {
  const placeOf = new Map();
  items.forEach((item, place) => unitsIn(item).forEach((unit) => placeOf.set(unit, place)));
  const between = edges
    .filter(({ source, target }) => placeOf.has(source) && placeOf.has(target))
    .map(({ source, target }) => ({ source: placeOf.get(source), target: placeOf.get(target) }));
  const places = items.map((_, place) => place);
  const links = linked(places, between);
  const order = lateOrder(places, links);
  const at = new Map(order.map((place, position) => [place, position]));
  const held = (place) => unitsIn(items[place]).some((unit) => pinned.has(unit));
  const folded = [];
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
    for (const later of links.after.get(place)) reach = Math.max(reach, at.get(later));
  });
  close();
  return joined(folded, pinned);
}

// A block and what follows it one by one make one box: a residual block with its sum and its activation.
function joined(items, pinned) {
  const found = [];
  for (const item of items) {
    const last = found[found.length - 1];
    if (last?.kind === "block" && item.kind !== "block" && !unitsIn(item).some((unit) => pinned.has(unit))) last.items.push(item);
    else found.push(item.kind === "block" ? { kind: "block", items: [...item.items] } : item);
  }
  return found;
}

function foldParts(items, pinned, limit) {
  const size = Math.ceil(items.length / limit);
  const folded = [];
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
