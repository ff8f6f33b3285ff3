// --- host.mjs: TensorBoard around the tab: its address, its theme, its reloads ---------------------------------------
// TensorBoard keeps what concerns a plugin in its own address, as `#graphdiag&p.graphdiag.run=train`: see
// `tensorboard/components/experimental/plugin_util/core-host-impl.ts`.

/** @import {Place} from "./types" */

const PLUGIN = "graphdiag";
const PREFIX = `p.${PLUGIN}.`;
const DARK = "dark-mode"; // TensorBoard's class for its body
const BOOTSTRAP = "experimental.bootstrap";
const PATIENCE_MS = 15000;
const LOOK_MS = 100;
const RELOADED = ["experimental.DataReloaded", "experimental.RunsChanged"];

/** TensorBoard's window; the tab's own where its page is opened by itself. */
const host = sameOrigin(window.parent) ? window.parent : window;

/** @param {Window} other */
function sameOrigin(other) {
  try {
    return Boolean(other.document.body);
  } catch {
    return false;
  }
}

/** @returns {[string, string][]} The parts of TensorBoard's address. */
function parts() {
  return host.location.hash
    .slice(1)
    .split("&")
    .filter(Boolean)
    .map((part) => {
      const [key, value = ""] = part.split("=");
      return [decoded(key), decoded(value)];
    });
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether TensorBoard shows the tab. */
export function isSeen() {
  const { frameElement } = window;
  return document.visibilityState === "visible" && (!frameElement || frameElement.getClientRects().length > 0);
}

/** @returns {Place | null} What the address says; nothing where it says nothing of the tab. */
export function placeInAddress() {
  const found = Object.fromEntries(parts().filter(([key]) => key.startsWith(PREFIX)));
  if (!Object.keys(found).length) return null;
  const [run = "", tag, model = "", to = "", at = ""] = ["run", "tag", "model", "to", "at"].map((key) => found[PREFIX + key]);
  return { run, tag: tag ?? null, model, to, at };
}

/**
 * Puts into the address what is seen, beside what others keep there.
 *
 * @param {Place} place
 */
export function rememberPlace(place) {
  const others = parts().filter(([key]) => !key.startsWith(PREFIX));
  if (host !== window && others[0]?.[0] !== PLUGIN) return; // another dashboard is open
  const own = Object.entries(place).filter(([, value]) => value !== null && value !== "");
  const written = [
    ...others.map(([key, value]) => (value ? `${encodeURIComponent(key)}=${encodeURIComponent(value)}` : encodeURIComponent(key))),
    ...own.map(([key, value]) => `${encodeURIComponent(PREFIX + key)}=${encodeURIComponent(String(value))}`),
  ];
  const hash = `#${written.join("&")}`;
  if (hash !== host.location.hash) host.history.replaceState(host.history.state, "", hash);
}

/**
 * Where TensorBoard's own graph page shows a run.
 *
 * @param {string} run
 */
export function addressOfGraphs(run) {
  const { origin, pathname, search } = host.location;
  const ours = parts().filter(([key]) => key.startsWith(PREFIX));
  const all = [["run", run], ...ours].map((part) => part.map(encodeURIComponent).join("="));
  return `${origin}${pathname}${search}#${["graphs", ...all].join("&")}`;
}

/**
 * Has TensorBoard show a graph on its own page. Its address names the run, but up to 2.21 that alone does not decide what
 * is drawn: the page's controls do, as `tf-graph-controls.ts` has them.
 *
 * @param {string} run
 * @param {string} tag Empty for the run's own graph.
 */
export async function openInGraphs(run, tag) {
  host.location.href = addressOfGraphs(run);
  for (let tries = 0; tries < PATIENCE_MS / LOOK_MS; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const controls = graphControls(host.document);
    const { datasets = [] } = controls ?? {};
    const place = datasets.findIndex(({ name }) => name === run);
    if (!controls || place < 0) continue;
    const tags = datasets[place].tags.map((each) => each.tag ?? "");
    controls.set("_selectedRunIndex", place);
    controls.set("_selectedTagIndex", Math.max(0, tags.indexOf(tag)));
    return;
  }
}

/**
 * @typedef {{datasets?: {name: string, tags: {tag: string | null}[]}[], set: (key: string, value: number) => void}} Controls
 */

/**
 * The controls of TensorBoard's graph page, if it stands.
 *
 * @param {Document} page
 * @returns {(HTMLElement & Controls) | null}
 */
function graphControls(page) {
  const dashboard = page.querySelector("tf-graph-dashboard")?.shadowRoot;
  const found = dashboard && within(dashboard, "tf-graph-controls");
  return found && "set" in found ? /** @type {HTMLElement & Controls} */ (found) : null;
}

/**
 * An element, in whatever shadow tree it is.
 *
 * @param {DocumentFragment} root
 * @param {string} name
 * @returns {HTMLElement | null}
 */
function within(root, name) {
  const here = /** @type {HTMLElement | null} */ (root.querySelector(name));
  if (here) return here;
  for (const element of root.querySelectorAll("*")) {
    const below = element.shadowRoot && within(element.shadowRoot, name);
    if (below) return below;
  }
  return null;
}

/**
 * @param {() => void} changed Is called when TensorBoard has reloaded its data, or knows other runs.
 * @param {() => void} moved Is called when TensorBoard's address changes.
 */
export function listen(changed, moved) {
  host.addEventListener("hashchange", moved);
  if (host === window) return;
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", ({ data }) => {
    const { type, id, isReply } = JSON.parse(data);
    if (isReply) return;
    port1.postMessage(JSON.stringify({ type, id, payload: null, error: null, isReply: true }));
    if (RELOADED.includes(type)) changed();
  });
  port1.start();
  host.postMessage(BOOTSTRAP, "*", [port2]);
}

// --- the theme ---

/** Whether TensorBoard is dark: by its own switch, or as the browser prefers. */
export function isDark() {
  return host === window ? matchMedia("(prefers-color-scheme: dark)").matches : host.document.body.classList.contains(DARK);
}

/** @param {() => void} changed */
export function onTheme(changed) {
  if (host === window) return;
  new MutationObserver(changed).observe(host.document.body, { attributes: true, attributeFilter: ["class"] });
}

/** @type {WeakSet<CSSRule>} */
const themed = new WeakSet();

/**
 * Has a page look as TensorBoard does: rules for dark pages hold, or do not, whatever the browser prefers.
 *
 * @param {Document} page
 */
export function theme(page) {
  const dark = isDark();
  page.documentElement.style.colorScheme = dark ? "dark" : "light";
  for (const sheet of page.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (!("media" in rule)) continue;
      const media = /** @type {MediaList} */ (rule.media);
      if (!themed.has(rule) && !media.mediaText.includes("prefers-color-scheme")) continue;
      themed.add(rule);
      media.mediaText = dark ? "all" : "not all";
    }
  }
}
