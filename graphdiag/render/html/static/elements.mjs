// --- elements.mjs: how elements are made, and how things are counted -------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof SVGElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Node | string)} inside
 */
export function svg(name, attributes = {}, ...inside) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...inside);
  return element;
}

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
 * @param {string} one
 * @param {string} [many]
 */
export const number = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
