// The method's map: a grid of cells, each of which leads to a view.

import { go } from "./address.js";
import { data } from "./data.js";
import { $, create } from "./dom.js";
import { colours, found, isRight, label, LOOK, network, onChange, peak, state, update, viewOf } from "./state.js";
import { percent, value, word } from "./words.js";

const grid = $("map");
/** @type {HTMLElement[]} */
let cells = [];

function renderMap() {
  const map = found();
  const method = data.methods[state.method];
  $("map-title").textContent = `Map: ${method.name}`;
  $("low").textContent = value(Math.min(...map.saliency));
  $("high").textContent = value(Math.max(...map.saliency));
  $("unit").textContent = method.unit;
  const remarks = [
    map.dead && "The map says nothing: the eye stays at the centre.",
    map.tie && "Several cells are most salient; the first counts.",
    map.own_label !== null && `The method’s own label: ${label(map.own_label)}.`,
    map.point && "The cells are places on the image; each leads to the view nearest to it.",
  ];
  $("remark").textContent = remarks.filter(Boolean).join(" ");
  const shades = colours(map);
  cells = map.saliency.map((_, number) => createCell(number, shades[number]));
  const rows = Array.from({ length: map.rows }, (_, row) => cells.slice(row * map.columns, (row + 1) * map.columns));
  grid.replaceChildren(...rows.map((row) => create("div", { role: "row" }, ...row)));
  grid.style.setProperty("--columns", String(map.columns));
  grid.style.setProperty("--rows", String(map.rows));
  grid.setAttribute("aria-rowcount", String(map.rows));
  grid.setAttribute("aria-colcount", String(map.columns));
  $("peak-legend").hidden = peak(map) < 0;
  $("right-legend").hidden = !map.saliency.some((_, number) => isRight(viewOf(number)));
}

/** @param {number} number @param {string} shade */
function createCell(number, shade) {
  const map = found();
  const view = viewOf(number);
  const isPeak = number === peak(map);
  const words = [
    `row ${Math.floor(number / map.columns) + 1}, column ${(number % map.columns) + 1}`,
    value(map.saliency[number]),
    isPeak ? "most salient" : "",
    `the network says ${label(network().labels[view][0])}, ${percent(network().p[view][0])}, ${word(isRight(view))}`,
  ];
  const element = create("div", { role: "gridcell", "aria-label": words.filter(Boolean).join("; "), tabindex: -1 });
  element.style.background = shade;
  element.classList.toggle("right", isRight(view));
  element.classList.toggle("peak", isPeak);
  element.addEventListener("pointerenter", () => update({ marked: number, seen: view }));
  element.addEventListener("focus", () => go({ cell: number, kept: view }, isHeld));
  element.addEventListener("click", () => go({ cell: number, kept: view }));
  return element;
}

let isHeld = false; // whether the key that moves the focus is held down

/** @param {KeyboardEvent} event */
function move(event) {
  const { rows, columns } = found();
  const [row, column] = [Math.floor(state.cell / columns), state.cell % columns];
  const places = {
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    Home: [event.ctrlKey ? 0 : row, 0],
    End: [event.ctrlKey ? rows - 1 : row, columns - 1],
  };
  const to = places[/** @type {keyof typeof places} */ (event.key)];
  if (!to) return;
  event.preventDefault();
  isHeld = event.repeat;
  const [y, x] = [Math.min(Math.max(to[0], 0), rows - 1), Math.min(Math.max(to[1], 0), columns - 1)];
  cells[y * columns + x].focus();
  isHeld = false;
}

function renderMarks() {
  const focusable = Math.max(state.cell, 0);
  cells.forEach((element, i) => {
    element.tabIndex = i === focusable ? 0 : -1;
    element.setAttribute("aria-selected", String(i === state.cell));
    element.classList.toggle("shown", i === state.marked);
  });
}

/** Let the map be pointed at, and follow what is shown. */
export function startMap() {
  const bar = data.palette.filter((_, i) => i % 15 === 0).join();
  $("bar").style.background = `linear-gradient(90deg, ${bar})`;
  grid.addEventListener("pointerleave", () => update({ marked: state.cell, seen: state.kept }));
  grid.addEventListener("keydown", move);
  onChange(LOOK, renderMap);
  onChange([...LOOK, "cell", "marked"], renderMarks);
}
