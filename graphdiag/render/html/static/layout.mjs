// --- layout.mjs: Graphviz in a worker --------------------------------------------------------------------------------
// Graphviz is told sizes and numbers only. Names stay out of the DOT text, so that nothing in a name can mean
// anything there, and text is as wide as the reader's own font has it.

import { byId } from "./page.mjs";

/** @import {GraphvizAnswer, Laid, Place, Point, Stack, Visible, VisibleBox, Way} from "./types" */

const GIVE_UP_AFTER = 30000; // milliseconds

/** @type {Promise<string> | null} */
let workerAddress = null;

/** A worker that lays out DOT texts. A page that is served has its script as a file, others within themselves. */
function graphvizWorker() {
  const { textContent, dataset } = byId("graphviz");
  workerAddress ??= dataset.worker
    ? Promise.resolve(dataset.worker)
    : (async () => {
        const packed = Uint8Array.from(atob(textContent ?? ""), (byte) => byte.charCodeAt(0));
        const code = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
        return URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
      })();
  return workerAddress.then((address) => new Worker(address));
}

/** @typedef {{output?: string, error?: string}} Answer */

/** One layout at a time; a newer wish takes the place of an older one that waits. */
export class Layouter {
  /** @type {Worker | null} */
  worker = null;
  /** @type {Promise<Answer> | null} */
  running = null;
  last = 0;

  /**
   * @param {string} dot
   * @returns {Promise<GraphvizAnswer | null>} Nothing where a newer wish came.
   * @throws {Error} Graphviz failed, or took too long.
   */
  async lay(dot) {
    const id = (this.last += 1);
    if (this.running) await this.running;
    if (id !== this.last) return null;
    this.running = this.run(id, dot);
    try {
      const { output, error } = await this.running;
      if (output === undefined) throw new Error(error);
      return JSON.parse(output);
    } finally {
      this.running = null;
    }
  }

  /**
   * @param {number} id
   * @param {string} dot
   * @returns {Promise<Answer>}
   */
  async run(id, dot) {
    try {
      this.worker ??= await graphvizWorker();
    } catch (error) {
      return { error: `This browser cannot start Graphviz (${error instanceof Error ? error.message : error})` };
    }
    const { worker } = this;
    return new Promise((resolve) => {
      /** @param {string} error */
      const stop = (error) => {
        worker.terminate();
        this.worker = null;
        resolve({ error });
      };
      const late = setTimeout(() => stop("too large to lay out in half a minute; close some boxes"), GIVE_UP_AFTER);
      worker.onmessage = ({ data }) => {
        clearTimeout(late);
        resolve(data);
      };
      worker.onerror = (event) => {
        clearTimeout(late);
        event.preventDefault();
        stop(`Graphviz failed (${event.message})`);
      };
      worker.postMessage({ id, dot });
    });
  }
}

const BOX_HEIGHT = 33;
const TITLE_HEIGHT = 16;

/**
 * DOT for what is visible.
 *
 * @param {Visible} visible
 * @param {(row: number) => number} width A box's width in pixels, which are Graphviz's points here.
 * @param {string} direction `TB`, `LR`, ...
 * @param {Stack[]} stacks
 * @param {boolean} narrow Sets boxes closer, for panes in which the picture would become too small to read.
 */
export function dotOf({ root, edges }, width, direction, stacks, narrow) {
  const room = edges.some((edge) => edge.stub) ? 0.7 : narrow ? 0.13 : 0.2;
  // Numbers of edges stand between the rows of boxes.
  const gap = edges.some((edge) => !edge.stub && edge.rows.length > 1) ? 0.37 : 0.27;
  /** @type {Set<number>} */
  const clusters = new Set();
  const lines = [
    `digraph { graph [rankdir=${direction} nodesep=${room} ranksep=${gap} compound=true] node [shape=box fixedsize=true label=""]`,
    "edge [arrowsize=0.8]",
  ];
  /** @param {number} pixels */
  const inches = (pixels) => (pixels / 72).toFixed(3);
  /** @param {VisibleBox} box */
  const write = ({ row, inside }) => {
    if (!inside) {
      lines.push(`n${row} [width=${inches(width(row))} height=${inches(BOX_HEIGHT)}]`);
      return;
    }
    clusters.add(row);
    const title = `<<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="${Math.ceil(width(row))}" HEIGHT="${TITLE_HEIGHT}"><TR><TD></TD></TR></TABLE>>`;
    // Edges end at nodes only: the point stands for the opened box, at whose border Graphviz clips them.
    lines.push(`subgraph cluster_${row} { label=${title} margin=9 n${row} [shape=point style=invis width=0.01 height=0.01]`);
    inside.forEach(write);
    lines.push("}");
  };
  root.inside.forEach(write);
  for (const { rows, columns } of stacks) lines.push(...stacked(rows, columns));
  edges.forEach((edge, place) => {
    if (edge.stub) return;
    const options = [`id=${place}`];
    if (!edge.firm) options.push("constraint=false");
    if (clusters.has(edge.source)) options.push(`ltail=cluster_${edge.source}`);
    if (clusters.has(edge.target)) options.push(`lhead=cluster_${edge.target}`);
    lines.push(`n${edge.source} -> n${edge.target} [${options.join(" ")}]`);
  });
  lines.push("}");
  return lines.join("\n");
}

/**
 * Boxes without arrows between them in so many columns, not all in one row.
 *
 * @param {number[]} rows
 * @param {number} columns
 */
function stacked(rows, columns) {
  const lines = [];
  for (let place = columns; place < rows.length; place += 1) {
    lines.push(`n${rows[place - columns]} -> n${rows[place]} [style=invis]`);
  }
  return lines;
}

/**
 * Graphviz's answer in pixels, y downwards: where boxes and opened boxes lie, and the way of each edge.
 *
 * @param {GraphvizAnswer} answer
 * @returns {Laid}
 */
export function placed(answer) {
  const [, , right, top] = answer.bb.split(",").map(Number);
  /** @type {Map<number, Place>} */
  const boxes = new Map();
  /** @type {Map<number, Place>} */
  const opened = new Map();
  for (const object of answer.objects || []) {
    const row = Number(object.name.replace(/^\D+/, ""));
    if (object.name.startsWith("cluster_")) {
      const [x1, y1, x2, y2] = object.bb.split(",").map(Number);
      opened.set(row, { x: x1, y: top - y2, width: x2 - x1, height: y2 - y1 });
    } else if (object.pos && object.style !== "invis") {
      const [x, y] = object.pos.split(",").map(Number);
      const width = object.width * 72;
      const height = object.height * 72;
      boxes.set(row, { x: x - width / 2, y: top - y - height / 2, width, height });
    }
  }
  /** @type {Map<number, Way>} */
  const ways = new Map();
  for (const edge of answer.edges || []) {
    if (edge.id === undefined || !edge.pos || edge.style === "invis") continue;
    const points = edge.pos.split(" ");
    /**
     * @param {string} text
     * @returns {Point}
     */
    const point = (text) => {
      const [x, y] = text.split(",").slice(-2).map(Number);
      return [x, top - y];
    };
    const tip = points[0].startsWith("e,") ? points.shift() : undefined;
    const way = points.map(point);
    ways.set(Number(edge.id), { way, tip: tip === undefined ? way[way.length - 1] : point(tip) });
  }
  return { width: right, height: top, boxes, opened, ways };
}
