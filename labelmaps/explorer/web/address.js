// The address of the page names what it shows (#image=…&network=…), so that it can be sent as a link, and left by going back.
// All is named as in the configuration, so that a link outlives another build of the page.

import { data, hasScanpaths } from "./data.js";
import { $, create } from "./dom.js";
import { FILTERS, listed } from "./filters.js";
import { after, before, begin, found, initialState, state, update, viewOf } from "./state.js";

/** @import { State } from "./types" */

const PAUSE = 300; // ms after which a key that was held down has been let go: browsers refuse hundreds of addresses
const LONGEST = 80; // characters of an address that are repeated in a message

/** @typedef {"image" | "model" | "view" | "method" | "scanpath"} Field */
/** @type {Map<string, { field: Field, names: string[] }>} */
const NAMES = new Map([
  ["image", { field: "image", names: data.images.map(({ id }) => id) }],
  ["network", { field: "model", names: data.models.map(({ name }) => name) }],
  ["view", { field: "view", names: data.views.map(({ name }) => name) }],
  ["method", { field: "method", names: data.methods.map(({ id }) => id) }],
  ["scanpath", { field: "scanpath", names: hasScanpaths ? data.scanpaths.map(({ id }) => id) : [] }],
]);
const OVERLAY = "over the image"; // of the map

/** The address of what is shown. */
function write() {
  const named = [...NAMES].flatMap(([key, { field, names }]) => (state[field] < 0 ? [] : [[key, names[state[field]]]]));
  const address = new URLSearchParams([
    ...named,
    ["cell", nameCell()],
    ...(state.isOverlaid ? [["map", OVERLAY]] : []),
    ...Object.entries(state.filters),
  ]);
  return `#${address.toString().replaceAll("%2C", ",")}`;
}

/** The cell of the map that is kept, as row,column from 1; where there is none, the view that is. */
function nameCell() {
  if (state.cell < 0) return state.kept === after().kept ? "after" : "before";
  return `${Math.floor(state.cell / found().columns) + 1},${(state.cell % found().columns) + 1}`;
}

/**
 * Find the cell and its view by a name of `nameCell`.
 *
 * @param {string} name
 */
function findCell(name) {
  if (name === "before") return before();
  if (name === "after") return after();
  const [, row, column] = name.match(/^(\d+),(\d+)$/)?.map(Number) ?? [];
  const { rows, columns } = found();
  if (!(row >= 1 && row <= rows && column >= 1 && column <= columns)) return null;
  const cell = (row - 1) * columns + column - 1;
  return { cell, kept: viewOf(cell) };
}

/**
 * Show what an address names.
 *
 * @param {string} address
 * @returns {string[]} what it names that is not here, in sentences
 */
function read(address) {
  const parts = new URLSearchParams(address.replace(/^#/, ""));
  const filters = /** @type {Record<string, string>} */ ({});
  const named = /** @type {Partial<State>} */ ({ ...initialState(), image: undefined, filters });
  const problems = [];
  for (const [key, name] of parts) {
    if (parts.getAll(key).length > 1) problems.push(`It names ${quoted(key)} several times: the last counts.`);
    const known = NAMES.get(key);
    const options = FILTERS.get(key)?.map(([text]) => text);
    if (known?.names.includes(name)) named[known.field] = known.names.indexOf(name);
    else if (options?.includes(name)) filters[key] = name;
    else if (key === "map" && name === OVERLAY) named.isOverlaid = true;
    else if (known || options) problems.push(`This page has no ${key} ${quoted(name)}.`);
    else if (key !== "cell") problems.push(`${quoted(key)}${name && `, ${quoted(name)},`} is nothing that this page shows.`);
  }
  update({ ...named, image: named.image ?? 0 });
  if (named.image === undefined) update({ image: listed()[0] ?? 0 });
  if ((named.method ?? -1) >= 0 && state.method !== named.method)
    problems.push(`The network does without the method ${quoted(parts.get("method") ?? "")}.`);
  const cell = parts.getAll("cell").at(-1);
  const kept = cell === undefined ? after() : findCell(cell);
  if (!kept) problems.push(`The map of ${found().rows} × ${found().columns} has no cell ${quoted(cell ?? "")}.`);
  update(kept ?? after());
  return [...new Set(problems)];
}

/** @param {string} text */
const quoted = (text) => `“${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}”`;

let shown = ""; // the last address that was written

/**
 * Write the address of what is shown.
 *
 * @param {"pushState" | "replaceState"} how
 */
function put(how) {
  shown = write();
  try {
    history[how](null, "", shown);
  } catch (error) {
    // A page inside another may have no address of its own, and some browsers refuse a hundredth within seconds. What is
    // shown does not depend on it.
    if (!(error instanceof DOMException)) throw error;
  }
}

/** Show what the page's address names, and say what it does not find. */
function follow() {
  clearTimeout(waiting);
  const problems = read(location.hash);
  $("notice").hidden = problems.length === 0;
  const advice = "The rest is shown. The link may be cut, or of another run or data set.";
  $("problems").replaceChildren(...problems.map((problem) => create("li", {}, problem)), create("li", {}, advice));
  put("replaceState");
}

let waiting = 0; // until the address is written

function record() {
  clearTimeout(waiting);
  if (write() !== shown) put("pushState");
}

/**
 * Show something else, and go on to its address.
 *
 * @param {Partial<State>} changes
 * @param {boolean} isHeld whether a key is held down, so that more will follow
 */
export function go(changes, isHeld = false) {
  update(changes);
  if (isHeld) {
    clearTimeout(waiting);
    waiting = setTimeout(record, PAUSE);
  } else record();
}

/** Show what the address names, and from then on whenever it changes. */
export function start() {
  update(initialState());
  begin();
  follow();
  addEventListener("hashchange", follow);
  $("dismiss").addEventListener("click", () => ($("notice").hidden = true));
}
