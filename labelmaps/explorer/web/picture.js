// The image, with its boxes, the points where methods look, the extent of the view shown, and a scanpath.

import { go } from "./address.js";
import { data, hasScanpaths } from "./data.js";
import { $, create, createSvg, select } from "./dom.js";
import { source } from "./gallery.js";
import { colours, found, geometry, image, label, LOOK, network, onChange, pointOf, state, update, viewOf } from "./state.js";
import { mark, pixel } from "./words.js";

/** @import { Box, MethodMap } from "./types" */

const POINT = 0.021; // of the picture's larger side: radius of the points where methods look
const ROOM = 0.25; // of the image's larger side, shown around it where views leave it

const picture = $("picture", SVGSVGElement);
const overlay = $("overlay", HTMLInputElement);

/** The part of the plane that is shown: the image, all fixation points, and some of what views see beyond; x, y, width, height. */
function region() {
  const { width, height } = image();
  const room = ROOM * Math.max(width, height);
  const { centre, extent } = geometry();
  /** @param {0 | 1} i @param {number} side @returns {[number, number]} */
  const reach = (i, side) => {
    const seen = Math.max(Math.min(...extent.map((box) => box[i])), -room);
    const end = Math.min(Math.max(...extent.map((box) => box[i + 2])), side + room);
    const points = centre.map((point) => point[i]);
    const [low, high, least] = [Math.min(seen, ...points, 0), Math.max(end, ...points, side), 1e-6 * side];
    return low < -least || high > side + least ? [low, high - low] : [0, side];
  };
  const [[x, w], [y, h]] = [reach(0, width), reach(1, height)];
  return [x, y, w, h];
}

/** @param {Box} box @param {string} name */
const rectangle = ([x0, y0, x1, y1], name) =>
  createSvg("rect", { x: x0, y: y0, width: Math.max(x1 - x0, 0), height: Math.max(y1 - y0, 0), class: name });

/** @param {Box} box @param {string} name The outline of a box that can be seen on any image. */
const outlined = (box, name) => [rectangle(box, "casing"), rectangle(box, name)];

function renderPicture() {
  const { width, height, boxes } = image();
  const [x, y, w, h] = region();
  const radius = POINT * Math.max(w, h);
  const points = new Map(); // place → the methods that look there
  network().methods.forEach((map, i) => {
    if (!map) return;
    const key = `${map.x} ${map.y}`;
    points.set(key, [...(points.get(key) ?? []), i]);
  });
  /** @param {number[]} methods */
  const isShown = (methods) => methods.includes(state.method);
  const drawn = [...points.values()].sort((a, b) => Number(isShown(a)) - Number(isShown(b))); // the one shown lies on top
  picture.replaceChildren(
    rectangle([x, y, x + w, y + h], "beyond"),
    createSvg("image", { href: source(image()), width, height, preserveAspectRatio: "none" }),
    createSvg("g", { id: "heat" }),
    ...boxes.flatMap((box) => outlined(box, "box")),
    createSvg("g", { id: "seen" }),
    ...drawn.map((methods) => pie(methods, radius, isShown(methods))),
    createSvg("g", { id: "path" }),
  );
  picture.setAttribute("viewBox", `${x} ${y} ${w} ${h}`);
  const looks = network().methods.flatMap((map, i) => (map ? [`${data.methods[i].name} at ${pixel(map.x)}, ${pixel(map.y)}`] : []));
  const places = boxes.map((box) => `box from ${pixel(box[0])}, ${pixel(box[1])} to ${pixel(box[2])}, ${pixel(box[3])}`);
  picture.setAttribute("aria-label", `${label(image().label)}: ${[...places, ...looks].join("; ")}`);
  $("box-legend").hidden = boxes.length === 0;
}

/**
 * A point of the image, in the colours of the methods that look there.
 *
 * @param {number[]} methods
 * @param {number} radius
 * @param {boolean} isShown
 */
function pie(methods, radius, isShown) {
  const { x, y } = /** @type {MethodMap} */ (network().methods[methods[0]]);
  const group = createSvg("g", { class: "point", transform: `translate(${x} ${y})` });
  group.append(createSvg("title", {}, methods.map((i) => data.methods[i].name).join(", ")));
  if (isShown) group.append(...["halo", "ring"].map((name) => createSvg("circle", { class: name, r: 1.75 * radius })));
  group.append(createSvg("circle", { class: "outline", r: radius }));
  /** @param {number} share */
  const at = (share) => `${radius * Math.sin(2 * Math.PI * share)} ${-radius * Math.cos(2 * Math.PI * share)}`;
  methods.forEach((method, i) => {
    const [start, stop] = [i / methods.length, (i + 1) / methods.length];
    const wide = stop - start > 0.5 ? 1 : 0;
    const sector = createSvg("path", { d: `M0 0L${at(start)}A${radius} ${radius} 0 ${wide} 1 ${at(stop)}Z` });
    const part = methods.length > 1 ? sector : createSvg("circle", { r: radius });
    part.style.fill = data.methods[method].colour;
    group.append(part);
  });
  return group;
}

/** The map over the image: borders lie halfway between neighbouring points. */
function renderHeat() {
  const map = found();
  const heat = $("heat", SVGGElement);
  overlay.checked = state.isOverlaid;
  picture.classList.toggle("under", state.isOverlaid);
  heat.replaceChildren();
  if (!state.isOverlaid) return;
  /** @param {number[]} points @param {number} side */
  const borders = (points, side) => {
    const step = points.length > 1 ? points.slice(1).map((x, i) => x - points[i]) : [2 * side];
    const inner = points.map((x, i) => x - (step[i - 1] ?? step[0]) / 2);
    return [...inner, points[points.length - 1] + step[step.length - 1] / 2].map((x) => Math.min(Math.max(x, 0), side));
  };
  const across = Array.from({ length: map.columns }, (_, i) => pointOf(i)[0]);
  const down = Array.from({ length: map.rows }, (_, i) => pointOf(i * map.columns)[1]);
  const [xs, ys] = [borders(across, image().width), borders(down, image().height)];
  colours(map).forEach((colour, cell) => {
    const [column, row] = [cell % map.columns, Math.floor(cell / map.columns)];
    const area = rectangle([xs[column], ys[row], xs[column + 1], ys[row + 1]], "cell");
    area.style.fill = colour;
    heat.append(area);
  });
}

/** The fixations of the chosen scanpath, numbered and joined by a line, and the label of the evidence accumulated until each. */
function renderPath() {
  const path = network().scanpaths[state.scanpath];
  const drawn = $("path", SVGGElement);
  select("scanpath").value = String(state.scanpath);
  drawn.replaceChildren();
  $("evidence").replaceChildren(state.scanpath >= 0 && !path ? "not with this network" : "");
  if (!path) return;
  const places = path.views.map((view) => geometry().centre[view]);
  const [, , w, h] = region();
  const radius = 0.75 * POINT * Math.max(w, h);
  const points = places.map((place) => place.join()).join(" ");
  const line = createSvg("polyline", { points, class: "path" });
  line.style.stroke = data.scanpaths[state.scanpath].colour;
  const numbers = places.map(([x, y], i) => {
    const disc = createSvg("circle", { r: radius });
    disc.style.fill = data.scanpaths[state.scanpath].colour;
    const number = createSvg("text", { "font-size": 1.5 * radius, dy: "0.36em" }, String(i + 1));
    return createSvg("g", { class: "number", transform: `translate(${x} ${y})` }, disc, number);
  });
  drawn.append(createSvg("polyline", { points, class: "path casing" }), line, ...numbers.reverse());
  /** @type {{ number: number, first: number, last: number }[]} Fixations after which the evidence says the same. */
  const runs = [];
  path.labels.forEach((number, i) => {
    const run = runs[runs.length - 1];
    if (run?.number === number) run.last = i + 1;
    else runs.push({ number, first: i + 1, last: i + 1 });
  });
  const words = runs.flatMap(({ number, first, last }, i) => [
    `${i ? "; " : "Evidence after "}${first === last ? first : `${first} to ${last}`}: `,
    mark(number === image().label),
    ` ${label(number)}`,
  ]);
  $("evidence").replaceChildren(...words);
}

/** @param {MouseEvent} event The cell whose point is nearest to a place on the picture, and the view to which it leads. */
function nearest(event) {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM()?.inverse());
  const distances = found().saliency.map((_, cell) => Math.hypot(pointOf(cell)[0] - at.x, pointOf(cell)[1] - at.y));
  const cell = distances.indexOf(Math.min(...distances));
  return { cell, view: viewOf(cell) };
}

/** Let the picture be pointed at, and follow what is shown. */
export function startPicture() {
  const scanpaths = [{ name: "none" }, ...data.scanpaths];
  select("scanpath").append(...scanpaths.map(({ name }, i) => create("option", { value: i - 1 }, name)));
  select("scanpath").addEventListener("change", () => go({ scanpath: Number(select("scanpath").value) }));
  $("scanpath-choice").hidden = !hasScanpaths;
  $("points-legend").textContent = data.methods.length > 1 ? "where methods look (ringed: this one)" : "where the method looks";
  overlay.addEventListener("change", () => go({ isOverlaid: overlay.checked }));
  picture.addEventListener("pointermove", (event) => {
    const { cell, view } = nearest(event);
    update({ marked: cell, seen: view });
  });
  picture.addEventListener("pointerleave", () => update({ marked: state.cell, seen: state.kept }));
  picture.addEventListener("click", (event) => {
    const { cell, view } = nearest(event);
    go({ cell, kept: view });
  });
  onChange(LOOK, renderPicture);
  onChange([...LOOK, "isOverlaid"], renderHeat);
  onChange([...LOOK, "scanpath"], renderPath);
  onChange([...LOOK, "seen"], () => $("seen", SVGGElement).replaceChildren(...outlined(geometry().extent[state.seen], "extent")));
}
