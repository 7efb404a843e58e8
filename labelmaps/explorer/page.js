"use strict";
// What the page shows of its data (labelmaps/explorer/data.py). All text is set as text, never as markup.

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const POINT = 0.021; // of the picture's larger side: radius of the points where methods look
const ROOM = 0.25; // of the image's larger side, shown around it where views leave it

/** A new element with attributes and children, of which text stays text; of SVG by a name such as "svg:rect". */
function create(name, attributes = {}, ...children) {
  const [, svg, tag] = name.match(/^(svg:)?(.+)$/);
  const element = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const percent = (p) => (p > 0 && p < 0.001 ? "< 0.1 %" : `${(100 * p).toFixed(1)} %`);
const minus = (text) => text.replace(/-/g, "−");
const value = (x) => minus(String(Number(x.toPrecision(3))));
const pixel = (x) => minus(String(Math.round(x)));
const title = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const word = (isRight) => (isRight ? "right" : "wrong");

/** A tick or a cross, which screen readers read as a word. */
function mark(isRight) {
  const sign = create("span", { "aria-hidden": "true" }, isRight ? "✓" : "✗");
  return create("span", { class: word(isRight) }, sign, create("span", { class: "unseen" }, word(isRight)));
}

/** Right or wrong before, and after the saccade. */
function outcome(found) {
  const arrow = create("span", { class: "arrow" }, " → ");
  return create("span", { class: "outcome" }, mark(found.before), arrow, mark(found.after));
}

const POINTING = { hit: "hit", miss: "miss", skipped: "no box" };

// What is shown: numbers of the image, the network, the view, the method; the cell of the map that is kept, and the view from there;
// the scanpath, or -1 for none.
const state = { image: 0, model: 0, view: 0, method: 0, cell: 0, kept: 0, scanpath: -1 };
state.method = Math.max(data.methods.findIndex((method) => method.cue !== "baseline"), 0);

const image = () => data.images[state.image];
/** Where the views lie: one for all networks, or, of a view that is left to the network, one for each. */
const geometry = () => image().views[state.view][state.model] ?? image().views[state.view][0];
const network = (i = state.image) => data.images[i].networks[state.view][state.model];
const found = (i = state.image) => network(i).methods[state.method];
const label = (number) => data.classes[number];
const isRight = (view) => network().labels[view][0] === image().label;
const initial = () => (data.views[state.view].grid ** 2 - 1) / 2;
/** The view to which a cell of the map leads, and the point that it stands for. */
const viewOf = (cell) => (found().views ? found().views[cell] : cell);
const pointOf = (cell) => (found().point ?? geometry().centre)[cell];
const cellOf = (view) => found().saliency.findIndex((_, cell) => viewOf(cell) === view);
/** The most salient cell; of a map that says nothing, the one at the centre. */
const peak = (map) => (map.dead ? -1 : map.saliency.indexOf(Math.max(...map.saliency)));

/** Colours of a map's cells, from its lowest to its highest value. */
function colours({ saliency }) {
  const low = Math.min(...saliency);
  const span = Math.max(...saliency) - low || 1;
  return saliency.map((x) => data.palette[Math.min(Math.floor((256 * (x - low)) / span), 255)]);
}

// ---- Which images

const FILTERS = {
  outcome: [
    ["corrected", ({ before, after }) => !before && after],
    ["broken", ({ before, after }) => before && !after],
    ["right before and after", ({ before, after }) => before && after],
    ["wrong before and after", ({ before, after }) => !before && !after],
  ],
  pointing: Object.entries(POINTING).map(([key, text]) => [text, ({ pointing }) => pointing === key]),
  class: [...new Set(data.images.map((shown) => shown.label))]
    .sort((a, b) => label(a).localeCompare(label(b), "en"))
    .map((number) => [label(number), (_, shown) => shown.label === number]),
  size: [
    ...data.sizes.map((text, bin) => [text, (_, shown) => shown.size === bin]),
    ["no box", (_, shown) => shown.size === null],
  ],
  kind: [...new Set(data.images.map((shown) => shown.kind))].map((kind) => [kind, (_, shown) => shown.kind === kind]),
};

const fits = (i) =>
  Object.entries(FILTERS).every(([id, options]) => $(id).value === "" || options[$(id).value][1](found(i), data.images[i]));
const listed = () => data.images.map((_, i) => i).filter(fits);
const thumbnails = [];

function fillFilters() {
  for (const [id, options] of Object.entries(FILTERS)) {
    $(id).append(create("option", { value: "" }, "any"), ...options.map((_, i) => create("option", { value: i })));
    $(id).addEventListener("change", filterChanged);
  }
  $("clear").addEventListener("click", () => {
    for (const id of Object.keys(FILTERS)) $(id).value = "";
    filterChanged();
  });
}

function filterChanged() {
  const images = listed();
  if (images.length && !images.includes(state.image)) showImage(images[0]);
  renderGallery();
  say(`${images.length} of ${plural(data.images.length, data.unit)}`);
}

function fillGallery() {
  const groups = new Map();
  data.images.forEach((shown, i) => {
    if (!groups.has(shown.kind)) {
      const heading = create("span", { class: "kind", "aria-hidden": "true" }, shown.kind);
      groups.set(shown.kind, create("div", { role: "group", "aria-label": shown.kind }, heading));
    }
    const picture = create("img", { src: source(shown), alt: "", loading: "lazy", decoding: "async" });
    const thumbnail = create("div", { role: "option", title: label(shown.label) }, picture, create("span", { class: "result" }));
    thumbnail.addEventListener("click", () => showImage(i));
    thumbnails.push(thumbnail);
    groups.get(shown.kind).append(thumbnail);
  });
  $("gallery").append(...groups.values());
  $("gallery").addEventListener("keydown", (event) => {
    const images = listed();
    const to = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity }[event.key];
    if (to === undefined || !images.length) return;
    event.preventDefault();
    turn(to);
    thumbnails[state.image].focus();
  });
}

function renderGallery() {
  const images = listed();
  for (const [id, options] of Object.entries(FILTERS))
    options.forEach(([text, test], i) => {
      const n = data.images.filter((shown, j) => test(found(j), shown)).length;
      $(id).options[i + 1].textContent = `${text} (${n})`;
    });
  const isFiltered = Object.keys(FILTERS).some((id) => $(id).value !== "");
  $("count").textContent = isFiltered ? `${images.length} of ${data.images.length}` : "";
  $("clear").disabled = !isFiltered;
  const focusable = images.includes(state.image) ? state.image : images[0];
  thumbnails.forEach((thumbnail, i) => {
    const { before, after, pointing } = found(i);
    thumbnail.hidden = !images.includes(i);
    thumbnail.tabIndex = i === focusable ? 0 : -1;
    thumbnail.setAttribute("aria-selected", i === state.image);
    const result = `${word(before)} before, ${word(after)} after, ${POINTING[pointing]}`;
    thumbnail.setAttribute("aria-label", `${label(data.images[i].label)}: ${result}`);
    thumbnail.lastChild.replaceChildren(outcome(found(i)));
  });
  for (const group of $("gallery").children)
    group.hidden = ![...group.children].some((child) => child.getAttribute("role") === "option" && !child.hidden);
  const place = images.indexOf(state.image);
  $("place").textContent = `${place < 0 ? "–" : place + 1} of ${images.length}`;
  $("previous").disabled = !images.some((i) => i < state.image);
  $("next").disabled = !images.some((i) => i > state.image);
}

/** Go some images on among those that are listed. */
function turn(by) {
  const images = listed();
  const before = images.filter((i) => i < state.image).length;
  const from = by > 0 && !images.includes(state.image) ? before - 1 : before;
  showImage(images[Math.min(Math.max(from + by, 0), images.length - 1)]);
}

// ---- One image

const source = ({ picture }) => `data:image/jpeg;base64,${picture.jpeg}`;

/** The pixels of the image's picture, once it is decoded. */
async function decode(shown) {
  const picture = new Image();
  picture.src = source(shown);
  await picture.decode();
  const { width, height } = shown.picture;
  const context = create("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, width, height);
}

let pixels = null; // of the image shown; null while its picture is decoded

function showImage(i) {
  state.image = i;
  pixels = null;
  const shown = image();
  decode(shown).then((decoded) => {
    if (shown !== image()) return;
    pixels = decoded;
    drawSeen();
  });
  $("label").textContent = label(shown.label);
  const kind = [title(shown.kind), ...(shown.network && data.models.length * data.views.length > 1 ? [shown.network] : [])];
  $("reason").textContent = kind.join(", ");
  const share = shown.share === null ? "no box" : `${plural(shown.boxes.length, "box").replace("boxs", "boxes")} on ${percent(shown.share)} of the image`;
  $("facts").textContent = `${shown.id} · ${shown.width} × ${shown.height} pixels · ${share}`;
  renderAll();
  reveal(thumbnails[i]);
}

/** Scroll the gallery, or the methods, so that an element can be seen; never the page. */
function reveal(element) {
  const sides = [["left", "right", "scrollLeft"], ["top", "bottom", "scrollTop"]];
  for (const box of [$("gallery"), $("images"), $("cards")])
    for (const [start, end, scroll] of box.contains(element) ? sides : []) {
      const [inner, outer] = [element.getBoundingClientRect(), box.getBoundingClientRect()];
      if (inner[start] < outer[start]) box[scroll] -= outer[start] - inner[start];
      else if (inner[end] > outer[end]) box[scroll] += inner[end] - outer[end];
    }
}

/** Everything that depends on the image, the network, the view or the method. */
function renderAll() {
  // A network may do without a method: the first that it has is shown in its stead.
  if (!found()) state.method = network().methods.findIndex((map, i) => map && data.methods[i].cue !== "baseline");
  state.cell = found().dead ? cellOf(found().view) : peak(found());
  state.kept = found().view;
  renderGallery();
  renderCards();
  renderPicture();
  renderMap();
  show(state.kept);
  const { before, after, pointing } = found();
  const method = data.methods[state.method].name;
  say(`${label(image().label)}; ${method}: ${word(before)} before, ${word(after)} after the saccade, ${POINTING[pointing]}`);
}

function fillCards() {
  data.methods.forEach((method, i) => {
    const input = create("input", { type: "radio", name: "method", value: i });
    input.addEventListener("change", () => {
      state.method = i;
      renderAll();
    });
    const dot = create("span", { class: "dot" });
    dot.style.background = method.colour;
    const name = create("span", { class: "name" }, dot, title(method.name));
    const text = create("span", { class: "text" }, name, create("span", { class: "cue" }, method.cue), create("span", { class: "result" }));
    $("cards").append(create("label", { class: "card" }, input, create("canvas", { "aria-hidden": "true" }), text));
  });
}

function renderCards() {
  [...$("cards").children].forEach((card, i) => {
    const map = network().methods[i];
    card.querySelector("input").checked = i === state.method;
    card.querySelector("input").disabled = !map;
    card.classList.toggle("absent", !map);
    if (!map) {
      card.querySelector(".result").replaceChildren("not with this network");
      Object.assign(card.querySelector("canvas"), { width: 1, height: 1 });
      return;
    }
    const pointing = create("span", { class: "pointing" }, ` · ${POINTING[map.pointing]}`);
    card.querySelector(".result").replaceChildren(outcome(map), pointing);
    const canvas = card.querySelector("canvas");
    [canvas.width, canvas.height] = [map.columns, map.rows];
    const context = canvas.getContext("2d");
    colours(map).forEach((colour, cell) => {
      context.fillStyle = colour;
      context.fillRect(cell % map.columns, Math.floor(cell / map.columns), 1, 1);
    });
  });
  reveal($("cards").children[state.method]);
  const { accuracy_before, accuracy_after, gain, pointing, n_images, n_pointing } =
    data.summary[state.view][state.model][state.method];
  const isOfCases = data.unit === "case"; // shares are of cases, and images are counted beside
  const all = isOfCases ? `${plural(data.n_images, data.unit)} of ${n_images} images` : `${n_images} images`;
  const boxed = isOfCases ? `cases with a box, in ${n_pointing} images` : `${n_pointing} with a box`;
  const name = create("strong", {}, title(data.methods[state.method].name));
  const text =
    ` on all ${all}: right in ${accuracy_before} % before and ${accuracy_after} % after the saccade, gain ${gain}; ` +
    (n_pointing ? `hits in ${pointing} % of the ${boxed}. ` : "") +
    "In brackets 95 % intervals.";
  $("summary").replaceChildren(name, minus(text));
}

/** The part of the plane that the picture's panel shows: the image, all fixation points, and some of what views see beyond. */
function region() {
  const { width, height } = image();
  const room = ROOM * Math.max(width, height);
  const { centre, extent } = geometry();
  const reach = (i, side, least) => {
    const seen = Math.max(Math.min(...extent.map((box) => box[i])), -room);
    const end = Math.min(Math.max(...extent.map((box) => box[i + 2])), side + room);
    const points = centre.map((point) => point[i]);
    const [low, high] = [Math.min(seen, ...points, 0), Math.max(end, ...points, side)];
    return low < -least || high > side + least ? [low, high - low] : [0, side];
  };
  const [[x, w], [y, h]] = [reach(0, width, 1e-6 * width), reach(1, height, 1e-6 * height)];
  return [x, y, w, h];
}

const rectangle = ([x0, y0, x1, y1], name) =>
  create("svg:rect", { x: x0, y: y0, width: Math.max(x1 - x0, 0), height: Math.max(y1 - y0, 0), class: name });

/** The outline of a box that can be seen on any image. */
const outlined = (box, name) => [rectangle(box, "casing"), rectangle(box, name)];

function renderPicture() {
  const { width, height, boxes } = image();
  const [x, y, w, h] = region();
  const radius = POINT * Math.max(w, h);
  const whole = create("svg:image", { href: source(image()), width, height, preserveAspectRatio: "none" });
  const heat = create("svg:g", { id: "heat" });
  const points = new Map(); // place → the methods that look there
  network().methods.forEach((map, i) => {
    if (!map) return;
    const key = `${map.x} ${map.y}`;
    points.set(key, [...(points.get(key) ?? []), i]);
  });
  const ofMethod = ([, methods]) => methods.includes(state.method);
  const drawn = [...points].sort((a, b) => ofMethod(a) - ofMethod(b)); // that of the method shown lies on top
  $("picture").replaceChildren(
    rectangle([x, y, x + w, y + h], "beyond"),
    whole,
    heat,
    ...boxes.flatMap((box) => outlined(box, "box")),
    create("svg:g", { id: "seen" }),
    ...drawn.map((point) => pie(point, radius, ofMethod(point))),
    create("svg:g", { id: "path" }),
  );
  $("picture").setAttribute("viewBox", `${x} ${y} ${w} ${h}`);
  const looks = network().methods.flatMap((map, i) => (map ? [`${data.methods[i].name} at ${pixel(map.x)}, ${pixel(map.y)}`] : []));
  const places = boxes.map((box) => `box from ${pixel(box[0])}, ${pixel(box[1])} to ${pixel(box[2])}, ${pixel(box[3])}`);
  $("picture").setAttribute("aria-label", `${label(image().label)}: ${[...places, ...looks].join("; ")}`);
  renderHeat();
  renderPath();
}

/** The fixations of the chosen scanpath, numbered and joined by a line, and the label of the evidence accumulated until each. */
function renderPath() {
  const path = network().scanpaths[state.scanpath];
  $("path").replaceChildren();
  $("evidence").replaceChildren(state.scanpath >= 0 && !path ? "not with this network" : "");
  if (!path) return;
  const places = path.views.map((view) => geometry().centre[view]);
  const [, , w, h] = region();
  const radius = 0.75 * POINT * Math.max(w, h);
  const points = places.map((place) => place.join()).join(" ");
  const line = create("svg:polyline", { points, class: "path" });
  line.style.stroke = data.scanpaths[state.scanpath].colour;
  const numbers = places.map(([x, y], i) => {
    const disc = create("svg:circle", { r: radius });
    disc.style.fill = data.scanpaths[state.scanpath].colour;
    const number = create("svg:text", { "font-size": 1.5 * radius, dy: "0.36em" }, i + 1);
    return create("svg:g", { class: "number", transform: `translate(${x} ${y})` }, disc, number);
  });
  $("path").append(create("svg:polyline", { points, class: "path casing" }), line, ...numbers.reverse());
  const runs = []; // fixations after which the evidence says the same
  path.labels.forEach((number, i) => {
    if (runs.at(-1)?.number === number) runs.at(-1).last = i + 1;
    else runs.push({ number, first: i + 1, last: i + 1 });
  });
  const words = runs.flatMap(({ number, first, last }, i) => [
    `${i ? "; " : "Evidence after "}${first === last ? first : `${first} to ${last}`}: `,
    mark(number === image().label),
    ` ${label(number)}`,
  ]);
  $("evidence").replaceChildren(...words);
}

/** A point of the image, in the colours of the methods that look there. */
function pie([, methods], radius, isShown) {
  const { x, y } = network().methods[methods[0]];
  const group = create("svg:g", { class: "point", transform: `translate(${x} ${y})` });
  group.append(create("svg:title", {}, methods.map((i) => data.methods[i].name).join(", ")));
  if (isShown) group.append(create("svg:circle", { class: "halo", r: 1.75 * radius }), create("svg:circle", { class: "ring", r: 1.75 * radius }));
  group.append(create("svg:circle", { class: "outline", r: radius }));
  const at = (share) => `${radius * Math.sin(2 * Math.PI * share)} ${-radius * Math.cos(2 * Math.PI * share)}`;
  methods.forEach((method, i) => {
    const [start, stop] = [i / methods.length, (i + 1) / methods.length];
    const wide = stop - start > 0.5 ? 1 : 0;
    const sector = create("svg:path", { d: `M0 0L${at(start)}A${radius} ${radius} 0 ${wide} 1 ${at(stop)}Z` });
    const part = methods.length > 1 ? sector : create("svg:circle", { r: radius });
    part.style.fill = data.methods[method].colour;
    group.append(part);
  });
  return group;
}

/** The map over the image: borders lie halfway between neighbouring points. */
function renderHeat() {
  const map = found();
  $("picture").classList.toggle("under", $("overlay").checked);
  $("heat").replaceChildren();
  if (!$("overlay").checked) return;
  const borders = (points, side) => {
    const step = points.length > 1 ? points.slice(1).map((x, i) => x - points[i]) : [2 * side];
    const inner = points.map((x, i) => x - (step[i - 1] ?? step[0]) / 2);
    return [...inner, points.at(-1) + step.at(-1) / 2].map((x) => Math.min(Math.max(x, 0), side));
  };
  const across = Array.from({ length: map.columns }, (_, i) => pointOf(i)[0]);
  const down = Array.from({ length: map.rows }, (_, i) => pointOf(i * map.columns)[1]);
  const [xs, ys] = [borders(across, image().width), borders(down, image().height)];
  colours(map).forEach((colour, cell) => {
    const [column, row] = [cell % map.columns, Math.floor(cell / map.columns)];
    const area = rectangle([xs[column], ys[row], xs[column + 1], ys[row + 1]], "cell");
    area.style.fill = colour;
    $("heat").append(area);
  });
}

// ---- The map

function renderMap() {
  const map = found();
  const method = data.methods[state.method];
  const [low, high] = [Math.min(...map.saliency), Math.max(...map.saliency)];
  $("map-title").textContent = `Map: ${method.name}`;
  $("low").textContent = value(low);
  $("high").textContent = value(high);
  $("unit").textContent = method.unit;
  const remarks = [
    map.dead && "The map says nothing: the eye stays at the centre.",
    map.tie && "Several cells are most salient; the first counts.",
    map.own_label !== null && `The method’s own label: ${label(map.own_label)}.`,
    map.point && "The cells are places on the image; each leads to the view nearest to it.",
  ];
  $("remark").textContent = remarks.filter(Boolean).join(" ");
  const shades = colours(map);
  const rows = Array.from({ length: map.rows }, (_, row) => {
    const cells = Array.from({ length: map.columns }, (_, column) => cell(map, row, column, shades));
    return create("div", { role: "row" }, ...cells);
  });
  $("map").replaceChildren(...rows);
  $("map").style.setProperty("--columns", map.columns);
  $("map").style.setProperty("--rows", map.rows);
  $("map").setAttribute("aria-rowcount", map.rows);
  $("map").setAttribute("aria-colcount", map.columns);
}

function cell(map, row, column, shades) {
  const number = row * map.columns + column;
  const view = viewOf(number);
  const isPeak = number === peak(map);
  const words = [
    `row ${row + 1}, column ${column + 1}`,
    value(map.saliency[number]),
    isPeak ? "most salient" : "",
    `the network says ${label(network().labels[view][0])}, ${percent(network().p[view][0])}, ${word(isRight(view))}`,
  ];
  const element = create("div", { role: "gridcell", "aria-label": words.filter(Boolean).join("; "), tabindex: -1 });
  element.style.background = shades[number];
  element.classList.toggle("right", isRight(view));
  element.classList.toggle("peak", isPeak);
  element.addEventListener("pointerenter", () => show(view, number));
  element.addEventListener("focus", () => keep(number));
  element.addEventListener("click", () => keep(number));
  return element;
}

const cells = () => [...$("map").querySelectorAll("[role=gridcell]")];

$("map").addEventListener("pointerleave", () => show(state.kept, state.cell));
$("map").addEventListener("keydown", (event) => {
  const { rows, columns } = found();
  const [row, column] = [Math.floor(state.cell / columns), state.cell % columns];
  const to = {
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    Home: [event.ctrlKey ? 0 : row, 0],
    End: [event.ctrlKey ? rows - 1 : row, columns - 1],
  }[event.key];
  if (!to) return;
  event.preventDefault();
  const [y, x] = [Math.min(Math.max(to[0], 0), rows - 1), Math.min(Math.max(to[1], 0), columns - 1)];
  cells()[y * columns + x].focus();
});

/** Go on showing a cell of the map, or the view of none. */
function keep(number, view = viewOf(number)) {
  state.cell = number;
  state.kept = view;
  show(view);
}

// ---- The view

let seen = 0; // the view that is shown

/** Show what the network received from a fixation, and what it said. */
function show(view, number = state.cell) {
  seen = view;
  const focusable = Math.max(state.cell, 0);
  cells().forEach((element, i) => {
    element.tabIndex = i === focusable ? 0 : -1;
    element.setAttribute("aria-selected", i === state.cell);
    element.classList.toggle("shown", i === number);
  });
  const box = geometry().extent[view];
  $("seen").replaceChildren(...outlined(box, "extent"));
  $("before").setAttribute("aria-pressed", view === initial());
  $("after").setAttribute("aria-pressed", view === found().view);
  renderWords(view, box);
  drawSeen();
}

function renderWords(view, [x0, y0, x1, y1]) {
  const { grid, exact, name } = data.views[state.view];
  const { labels, p, given, deviation } = network();
  const { width, height, label: truth, picture } = image();
  const isBeyond = Math.min(x0, y0, width - x1, height - y1) < -1e-3;
  const place = `Row ${Math.floor(view / grid) + 1}, column ${(view % grid) + 1}`;
  const role = view === initial() ? " (x₀)" : "";
  $("where").textContent =
    `${place}${role}: ${pixel(x1 - x0)} × ${pixel(y1 - y0)} pixels, x ${pixel(x0)} to ${pixel(x1)}, y ${pixel(y0)} to ${pixel(y1)}` +
    (isBeyond ? ", beyond the image, too" : "");
  $("verdict").replaceChildren(mark(isRight(view)), ` ${isRight(view) ? "Right" : "Wrong"}`);
  $("verdict").className = word(isRight(view));
  $("top").replaceChildren(...labels[view].map((number, i) => bar(number, p[view][i], number === truth)));
  $("given").replaceChildren(...(labels[view].includes(truth) ? [] : [bar(truth, given[view], true)]));
  const reduced = picture.width === width ? "" : `, reduced to ${picture.width} × ${picture.height} pixels`;
  const how = exact
    ? `Drawn from the embedded JPEG (quality ${picture.quality}${reduced})`
    : `Drawn approximately: ${name} samples this box in its own way`;
  $("exactness").textContent = `${how}; on average ${deviation} of 255 levels from what the network received.`;
  $("view").setAttribute("aria-label", `View from ${place.toLowerCase()}${role}`);
}

/** A label with its probability. */
function bar(number, p, isGiven) {
  const line = create("span", { class: "bar" });
  line.style.width = `${100 * p}%`;
  const name = create("span", { class: "name" }, label(number), ...(isGiven ? [create("span", { class: "tag" }, "given label")] : []));
  return create("li", isGiven ? { class: "given" } : {}, name, create("span", { class: "p" }, percent(p)), line);
}

function drawSeen() {
  const canvas = $("view");
  const { size, gray } = data.models[state.model];
  if (canvas.width !== size) canvas.width = canvas.height = size;
  if (!pixels) return;
  const { width, height, picture } = image();
  const scale = [picture.width / width, picture.height / height];
  const { extent, drawing } = geometry();
  canvas.getContext("2d").putImageData(drawView(pixels, extent[seen], drawing, scale, size, gray), 0, 0);
}

/** The cell whose point is nearest to a place on the picture. */
function nearestCell(event) {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform($("picture").getScreenCTM().inverse());
  const distances = found().saliency.map((_, number) => Math.hypot(pointOf(number)[0] - at.x, pointOf(number)[1] - at.y));
  return distances.indexOf(Math.min(...distances));
}

$("picture").addEventListener("pointermove", (event) => show(viewOf(nearestCell(event)), nearestCell(event)));
$("picture").addEventListener("pointerleave", () => show(state.kept, state.cell));
$("picture").addEventListener("click", (event) => keep(nearestCell(event)));
$("overlay").addEventListener("change", renderHeat);
$("scanpath").append(...[{ name: "none" }, ...data.scanpaths].map(({ name }, i) => create("option", { value: i - 1 }, name)));
$("scanpath").addEventListener("change", () => {
  state.scanpath = Number($("scanpath").value);
  renderPath();
});
$("before").addEventListener("click", () => keep(cellOf(initial()), initial()));
$("after").addEventListener("click", () => keep(found().dead ? cellOf(found().view) : peak(found()), found().view));
$("previous").addEventListener("click", () => turn(-1));
$("next").addEventListener("click", () => turn(1));

// ---- All

const say = (text) => ($("live").textContent = text);

function fillChoice(id, entries, text) {
  $(id).append(...entries.map((entry, i) => create("option", { value: i }, text(entry))));
  $(id).disabled = entries.length === 1;
  $(id).addEventListener("change", () => {
    state[{ model: "model", through: "view" }[id]] = Number($(id).value);
    renderAll();
  });
}

document.title = `${data.dataset}: where should a classifier look?`;
$("about").textContent =
  `${data.dataset}: ${data.images.length} of ${plural(data.n_images, data.unit)}, chosen to be telling, as the networks saw them`;
for (const way of ["previous", "next"]) $(way).setAttribute("aria-label", `${title(way)} ${data.unit}`);
fillChoice("model", data.models, ({ name, architecture, source: weights }) => {
  const what = architecture === name ? [weights] : [architecture, weights];
  return `${name} (${what.join(", ")})`;
});
fillChoice("through", data.views, ({ name }) => name);
$("options").textContent = data.views.map(({ name, options }) => `${name} is ${options}`).join("; ");
$("pictures").textContent =
  "The pictures are embedded as JPEG, colours at full resolution, with the highest quality that keeps each under " +
  `${data.largest_picture / 1000} kB; larger ones are reduced. Views are sampled from them as the network’s own were, in float instead of ` +
  "the network’s precision; how far they are from those it received, on average over x₀ and a view of each ring, stands beside each.";
$("scale").querySelector(".bar").style.background = `linear-gradient(90deg, ${data.palette.filter((_, i) => i % 15 === 0).join()})`;
$("filters").open = matchMedia("(min-width: 64rem)").matches;
fillFilters();
fillCards();
fillGallery();
showImage(0);
