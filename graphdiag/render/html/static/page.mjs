// --- page.mjs: what the page holds besides the scripts ---------------------------------------------------------------

import { statusNumbers } from "./data.mjs";

/** @import {PageData} from "./types" */

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
