// --- tab.mjs: the tab: runs on the left, what is said of one on the right --------------------------------------------

import { html } from "./elements.mjs";
import { isSeen, listen, onTheme, placeInAddress, rememberPlace, theme } from "./host.mjs";
import { RunList } from "./runs.mjs";
import { View } from "./view.mjs";

/** @import {Place, State} from "./types" */

const BUSY_MS = 700;
const QUIET_MS = 3000;

/** TensorBoard calls this once. */
export function render() {
  const style = html("link", { rel: "stylesheet", href: "static/tab.css", onload: () => theme(document) });
  document.head.append(style);
  document.documentElement.lang = "en";
  const list = new RunList((run) => view.go({ run, tag: null, model: "", to: "", at: "" }));
  const view = new View((place) => {
    list.mark(place.run);
    rememberPlace(place);
  });
  document.body.append(list.element, view.element);
  follow(list, view);
}

/**
 * Keeps the tab as the log directories and the address are.
 *
 * @param {RunList} list
 * @param {View} view
 */
function follow(list, view) {
  let version = -1;
  let timer = 0;
  /** @type {State | null} */
  let state = null;

  const look = async () => {
    clearTimeout(timer);
    let busy = false;
    if (isSeen()) {
      try {
        const answer = await (await fetch(`runs?version=${version}`)).json();
        if (answer.runs) {
          state = answer;
          version = answer.version;
          list.update(answer);
          view.update(answer);
        }
        busy = !state || isBusy(state);
      } catch {
        list.about.textContent = "TensorBoard does not answer.";
      }
    }
    clearTimeout(timer);
    timer = window.setTimeout(look, busy ? BUSY_MS : QUIET_MS);
  };

  const moved = () => {
    const place = placeInAddress();
    if (!isSeen()) return;
    if (!place) rememberPlace(view.place);
    else if (!same(place, view.place)) view.go(place);
  };

  listen(look, moved);
  onTheme(() => {
    theme(document);
    view.rethemed();
  });
  document.addEventListener("visibilitychange", look);
  const place = placeInAddress();
  if (place) view.go(place);
  look();
}

/** @param {State} state */
function isBusy({ reading, runs }) {
  return reading.first || reading.done < reading.of || runs.some((run) => run.state === "waiting" || run.state === "working");
}

/**
 * @param {Place} one
 * @param {Place} other
 */
function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
