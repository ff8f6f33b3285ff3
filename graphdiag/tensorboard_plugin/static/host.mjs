// --- host.mjs: TensorBoard around the tab: its address, its theme, its reloads ---------------------------------------
// TensorBoard keeps what concerns a plugin in its own address, as `#graphdiag&p.graphdiag.run=train`: see
// `tensorboard/components/experimental/plugin_util/core-host-impl.ts`.

/** @import {Place} from "./types" */

const PLUGIN = "graphdiag";
const PREFIX = `p.${PLUGIN}.`;
const DARK = "dark-mode"; // TensorBoard's class for its body
const BOOTSTRAP = "experimental.bootstrap";
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

/** @returns {Place} What the address says. */
export function placeInAddress() {
  const found = Object.fromEntries(parts().filter(([key]) => key.startsWith(PREFIX)));
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
  return `${origin}${pathname}${search}#graphs&run=${encodeURIComponent(run)}`;
}

/** @param {string} address Of TensorBoard, which goes there. */
export function goTo(address) {
  host.location.href = address;
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
