// --- page.mjs: what the page holds besides the scripts, and how elements are made ------------------------------------

import { statusNumbers } from "./data.mjs";

/** @import {PageData} from "./types" */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element of the page's template.
 *
 * @param {string} id
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}`);
  return found;
}

/** @type {PageData} */
export const DATA = JSON.parse(byId("data").textContent ?? "");
export const STATUSES = DATA.statuses;
export const STATUS = statusNumbers(STATUSES);

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
