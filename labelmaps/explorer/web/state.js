// What is shown: one state, which `update` changes; whoever shows a part of it is called when that part changed.

import { data } from "./data.js";

/** @import { Answers, Geometry, MethodMap, State } from "./types" */

/** On which image, network, view and method all depends. */
export const LOOK = /** @type {const} */ (["image", "model", "view", "method"]);

/** @type {State} */
export const state = {
  ...{ image: 0, model: 0, view: 0, method: 0, cell: 0, kept: 0, marked: 0, seen: 0 },
  ...{ scanpath: -1, isOverlaid: false, filters: {} },
};

export const image = (i = state.image) => data.images[i];

/** @returns {Geometry} Where the views lie: one for all networks, or, of a view that is left to the network, one for each. */
export const geometry = () => image().views[state.view][state.model] ?? image().views[state.view][0];

/** @returns {Answers} What the network made of an image. */
export const network = (i = state.image) => image(i).networks[state.view][state.model];

/** @returns {MethodMap} The method's map of an image; `update` sees to it that the network has one. */
export const found = (i = state.image) => /** @type {MethodMap} */ (network(i).methods[state.method]);

/** @param {number} number */
export const label = (number) => data.classes[number];

/** @param {number} view */
export const isRight = (view) => network().labels[view][0] === image().label;

/** The view of x₀. */
export const initial = () => (data.views[state.view].grid ** 2 - 1) / 2;

/** @param {number} cell The view to which a cell of the map leads. */
export const viewOf = (cell) => found().views?.[cell] ?? cell;

/** @param {number} cell The point that a cell of the map stands for. */
export const pointOf = (cell) => (found().point ?? geometry().centre)[cell];

/** @param {number} view */
const cellOf = (view) => found().saliency.findIndex((_, cell) => viewOf(cell) === view);

/** @param {MethodMap} map The most salient cell; -1 of a map that says nothing. */
export const peak = (map) => (map.dead ? -1 : map.saliency.indexOf(Math.max(...map.saliency)));

/** The cell and the view before the saccade, and after it. */
export const before = () => ({ cell: cellOf(initial()), kept: initial() });
export const after = () => ({ cell: found().dead ? cellOf(found().view) : peak(found()), kept: found().view });

/** The first of the network's methods that looks anywhere but at the centre, if there is one. */
function firstMethod() {
  const has = network().methods.map(Boolean);
  const looking = data.methods.findIndex(({ cue }, i) => has[i] && cue !== "baseline");
  return looking >= 0 ? looking : has.indexOf(true);
}

/**
 * Colours of a map's cells, from its lowest to its highest value.
 *
 * @param {MethodMap} map
 */
export function colours({ saliency }) {
  const low = Math.min(...saliency);
  const span = Math.max(...saliency) - low || 1;
  return saliency.map((x) => data.palette[Math.min(Math.floor((256 * (x - low)) / span), 255)]);
}

/** @type {{ fields: readonly (keyof State)[], render: () => void }[]} */
const renderers = [];

/**
 * Call a function after any of some fields has changed: in the order of these calls, and all of them by `begin`.
 *
 * @param {readonly (keyof State)[]} fields
 * @param {() => void} render
 */
export function onChange(fields, render) {
  renderers.push({ fields, render });
}

/** The state when the page is opened without an address. */
export function initialState() {
  return { image: 0, model: 0, view: 0, method: -1, scanpath: -1, isOverlaid: false, filters: {} };
}

/**
 * Change what is shown. A method that the network does without gives way to one that it has; on another map, the view
 * after the saccade is shown, unless the changes say another.
 *
 * @param {Partial<State>} changes
 */
export function update(changes) {
  const old = { ...state };
  Object.assign(state, changes);
  if (!found()) state.method = firstMethod();
  const isOther = LOOK.some((field) => state[field] !== old[field]);
  if (isOther && changes.cell === undefined) Object.assign(state, after());
  if (isOther || changes.cell !== undefined) Object.assign(state, { marked: state.cell, seen: state.kept });
  for (const { fields, render } of renderers) if (fields.some((field) => state[field] !== old[field])) render();
}

/** Show all for the first time. */
export function begin() {
  for (const { render } of renderers) render();
}
