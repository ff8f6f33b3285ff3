// --- graphviz_worker.js: what follows Viz.js in the worker that lays out pictures --------------------------------------

/* global Viz */

const ready = Viz.instance();

onmessage = async ({ data: { id, dot } }) => {
  try {
    const { status, output, errors } = (await ready).render(dot, { format: "json0" });
    postMessage(status === "success" ? { id, output } : { id, error: errors.map((each) => each.message).join("; ") });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
};
