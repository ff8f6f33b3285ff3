// --- saving.mjs: a picture as a file of its own ----------------------------------------------------------------------
// Programs that draw SVG know neither the page's style sheet nor its variables, so each shape gets its style as
// attributes.

import { svg } from "./elements.mjs";

const STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity", "paint-order", "font-family", "font-size", "font-weight", "text-anchor"];
const MARGIN = 12; // pixels around the picture
const SHARP = 2; // dots for each pixel of the picture
const LONGEST = 16000; // dots on one side, and no canvas is larger

/**
 * @param {SVGElement} world What is drawn, in place.
 * @param {number} width Of the picture, in pixels.
 * @param {number} height
 * @returns {string} An SVG document that needs nothing else.
 */
function standalone(world, width, height) {
  const copy = /** @type {SVGElement} */ (world.cloneNode(true));
  const [shapes, copies] = [world, copy].map((each) => [...each.querySelectorAll("*")]);
  shapes.forEach((shape, place) => {
    const style = getComputedStyle(shape);
    if (shape.matches(".hit") || (shape.matches(".halo") && style.stroke === "none")) copies[place].remove();
    else for (const name of STYLES) copies[place].setAttribute(name, style.getPropertyValue(name));
  });
  for (const each of copies) for (const name of ["class", "tabindex", "role", "aria-label", "aria-pressed", "aria-expanded", "data-row"]) each.removeAttribute(name);
  copy.removeAttribute("transform");
  const [left, whole, tall] = [-MARGIN, width + 2 * MARGIN, height + 2 * MARGIN];
  const ground = getComputedStyle(document.documentElement).getPropertyValue("--panel");
  const root = svg("svg", { xmlns: "http://www.w3.org/2000/svg", width: whole, height: tall, viewBox: `${left} ${left} ${whole} ${tall}` });
  root.append(svg("rect", { x: left, y: left, width: whole, height: tall, fill: ground }), copy);
  return new XMLSerializer().serializeToString(root);
}

/**
 * @param {Blob} content
 * @param {string} name
 */
function download(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/**
 * Saves a picture as it is on screen, all of it.
 *
 * @param {SVGElement} world
 * @param {{width: number, height: number}} size
 * @param {string} name Of the file, without its suffix.
 */
export function saveSvg(world, { width, height }, name) {
  download(new Blob([standalone(world, width, height)], { type: "image/svg+xml" }), `${name}.svg`);
}

/**
 * The same as a PNG, twice as sharp where it is not too large for that.
 *
 * @param {SVGElement} world
 * @param {{width: number, height: number}} size
 * @param {string} name
 * @returns {Promise<void>}
 * @throws {Error} The browser cannot make it.
 */
export async function savePng(world, { width, height }, name) {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(standalone(world, width, height))}`;
  await image.decode();
  const scale = Math.min(SHARP, LONGEST / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = image.width * scale;
  canvas.height = image.height * scale;
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const content = await new Promise((/** @type {(blob: Blob | null) => void} */ made) => canvas.toBlob(made, "image/png"));
  if (!content) throw new Error("this browser makes no image of this size");
  download(content, `${name}.png`);
}
