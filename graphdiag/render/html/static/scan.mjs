// --- scan.mjs: the table of a scan: filtered, sorted, and no more rows in the page than can be looked at ------------

/** @typedef {{ key: string, title: string, number: boolean }} Column */
/** @typedef {Record<string, string | number | null>} Row */

const MOST = 300; // rows in the page

/** @param {string} id */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @type {{ columns: Column[], rows: Row[], all: number }} */
const scan = JSON.parse(find("data").textContent ?? "");
const text = /** @type {HTMLInputElement} */ (find("text"));
const only = /** @type {HTMLSelectElement} */ (find("only"));
const sort = /** @type {HTMLSelectElement} */ (find("sort"));
const body = /** @type {HTMLElement} */ (document.querySelector("#runs tbody"));
const heads = [...document.querySelectorAll("#runs thead th")];

/** @type {{ key: string, down: boolean }} */
let order = { key: "", down: false };

const searched = scan.rows.map((row) => ["source", "run", "stack", "model", "codes", "headline", "error"].map((key) => row[key]).join("\n").toLowerCase());

/** @param {Row} row */
function isChosen(row) {
  if (!only.value) return true;
  return only.value === "unreadable" ? Boolean(row.error) : Number(row[only.value]) > 0;
}

/** @param {Row} row */
const wordsOf = (row) => row.error || row.headline;

/** @param {Row} first @param {Row} second */
function compared(first, second) {
  const [a, b] = [first, second].map((row) => (order.key === "words" ? wordsOf(row) : row[order.key]));
  if (a === b) return 0;
  if (a === null || a === "") return 1;
  if (b === null || b === "") return -1;
  return (a < b ? -1 : 1) * (order.down ? -1 : 1);
}

/** @param {Row} row @param {Column} column */
function cell(row, column) {
  const made = document.createElement("td");
  const value = row[column.key];
  made.dataset.name = column.title;
  made.className = column.number ? `number ${column.key}${value ? "" : " zero"}` : column.key;
  if (column.key === "words") {
    made.textContent = String(wordsOf(row));
    made.classList.toggle("wrong", Boolean(row.error));
    if (row.codes) made.append(Object.assign(document.createElement("span"), { className: "codes", textContent: row.codes }));
  } else if (column.key === "run" && row.page) {
    made.append(Object.assign(document.createElement("a"), { href: String(row.page), textContent: String(value) }));
  } else if (column.number) {
    made.textContent = value === null ? "–" : column.key === "seconds" ? Number(value).toFixed(2) : Number(value).toLocaleString("en");
  } else {
    made.textContent = String(value ?? "");
  }
  return made;
}

function show() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = scan.rows.filter((row, place) => isChosen(row) && words.every((word) => searched[place].includes(word)));
  if (order.key) chosen.sort(compared);
  const made = chosen.slice(0, MOST).map((row) => {
    const line = document.createElement("tr");
    line.append(...scan.columns.map((column) => cell(row, column)));
    return line;
  });
  body.replaceChildren(...made);
  for (const [place, head] of heads.entries()) {
    const isSorted = scan.columns[place].key === order.key;
    if (isSorted) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  find("count").textContent = `${chosen.length.toLocaleString("en")} of ${scan.all.toLocaleString("en")}`;
  const left = chosen.length - made.length;
  const beyond = scan.all - scan.rows.length;
  find("more").textContent = [
    left > 0 ? `${left.toLocaleString("en")} more rows fit; filter or sort to see them.` : "",
    beyond > 0 ? `${beyond.toLocaleString("en")} rows are not on this page; --format jsonl, csv and parquet have all.` : "",
  ].join(" ").trim();
}

/** @param {string} key @param {boolean} [down] */
function sortBy(key, down) {
  const column = scan.columns.find((each) => each.key === key);
  order = { key, down: down ?? (order.key === key ? !order.down : Boolean(column?.number)) };
  sort.value = key;
  show();
}

for (const [place, head] of heads.entries()) {
  head.querySelector("button")?.addEventListener("click", () => sortBy(scan.columns[place].key));
}
sort.append(new Option("what needs attention", ""), ...scan.columns.map((column) => new Option(column.title, column.key)));
sort.addEventListener("change", () => sortBy(sort.value, scan.columns.some((column) => column.key === sort.value && column.number)));
only.addEventListener("change", show);
text.addEventListener("input", show);
find("filter").addEventListener("submit", (event) => event.preventDefault());
for (const rule of document.querySelectorAll(".rule")) {
  rule.addEventListener("click", () => {
    text.value = /** @type {HTMLElement} */ (rule).dataset.code ?? "";
    show();
    text.scrollIntoView({ block: "start" });
  });
}
find("filter").hidden = false;
show();
