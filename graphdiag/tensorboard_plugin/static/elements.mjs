// --- elements.mjs: how elements are made -----------------------------------------------------------------------------

/**
 * An element. What a log has written is only ever put into it as text.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, string | EventListener>} [attributes] Those that begin with "on" are listeners.
 * @param {...(Node | string)} inside
 */
export function html(name, attributes = {}, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "string") element.setAttribute(key, value);
    else element.addEventListener(key.slice(2), value);
  }
  element.append(...inside);
  return element;
}

/**
 * A number and what is counted, in one or in several.
 *
 * @param {number} count
 * @param {string} what
 */
export function number(count, what) {
  return `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
}
