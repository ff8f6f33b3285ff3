// --- overview.mjs: a small map of a picture that is larger than its pane ---------------------------------------------

import { html, svg } from "./elements.mjs";

/** @import {Laid, Point} from "./types" */

const LARGEST = 150; // pixels on either side

/** @typedef {{x: number, y: number, scale: number}} Camera */
/** @typedef {{width: number, height: number}} Size */

export class Overview {
  boxes = svg("g");
  frame = svg("rect", { class: "frame" });
  map = svg("svg", {}, this.boxes, this.frame);
  // For eyes and mouse: keys move the picture itself.
  element = html("div", { class: "overview", "aria-hidden": "true" }, this.map);

  /** @param {(at: Point) => void} center Brings a point of the picture to the middle of the pane. */
  constructor(center) {
    this.element.hidden = true;
    /** @param {PointerEvent} event */
    const go = (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.map.getScreenCTM()?.inverse());
      center([at.x, at.y]);
    };
    this.map.addEventListener("pointerdown", (event) => {
      this.map.setPointerCapture(event.pointerId);
      go(event);
    });
    this.map.addEventListener("pointermove", (event) => {
      if (this.map.hasPointerCapture(event.pointerId)) go(event);
    });
  }

  /**
   * Draws the map.
   *
   * @param {Laid} laid
   * @param {(row: number) => boolean} differs Whether a box is the end of an edge that differs.
   */
  draw({ width, height, boxes, opened }, differs) {
    const scale = LARGEST / Math.max(width, height);
    this.map.setAttribute("width", String(width * scale));
    this.map.setAttribute("height", String(height * scale));
    this.map.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const around = [...opened.values()].map((place) => svg("rect", { ...place, class: "around" }));
    const closed = [...boxes].map(([row, place]) => svg("rect", { ...place, class: differs(row) ? "differs" : "" }));
    this.boxes.replaceChildren(...around, ...closed);
  }

  /**
   * Shows which part is in the pane; hides the map where all of it is.
   *
   * @param {Camera} camera
   * @param {Size} pane
   * @param {Size} picture
   */
  follow({ x, y, scale }, pane, picture) {
    const whole = x >= 0 && y >= 0 && picture.width * scale + x <= pane.width + 1 && picture.height * scale + y <= pane.height + 1;
    this.element.hidden = whole;
    const place = { x: -x / scale, y: -y / scale, width: pane.width / scale, height: pane.height / scale };
    for (const [name, value] of Object.entries(place)) this.frame.setAttribute(name, String(value));
    this.frame.setAttribute("stroke-width", String(Math.max(picture.width, picture.height) / LARGEST * 2));
  }
}
