// The view: what the network received from a fixation, and what it said.

import { go } from "./address.js";
import { data } from "./data.js";
import { $, contextOf, create } from "./dom.js";
import { drawView } from "./drawing.js";
import { source } from "./gallery.js";
import { after, before, found, geometry, image, initial, isRight, label, LOOK, network, onChange, state } from "./state.js";
import { mark, percent, pixel, word } from "./words.js";

/** @import { Picture } from "./types" */

const canvas = $("view", HTMLCanvasElement);

/** @type {ImageData | null} Of the image shown; null while its picture is decoded. */
let pixels = null;

/** @param {Picture} shown The pixels of its picture, once it is decoded. */
async function decode(shown) {
  const picture = new Image();
  picture.src = source(shown);
  await picture.decode();
  const { width, height } = shown.picture;
  const context = contextOf(create("canvas", { width, height }));
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, width, height);
}

async function renderPixels() {
  const shown = image();
  pixels = null;
  canvas.setAttribute("aria-busy", "true");
  const decoded = await decode(shown);
  if (shown !== image()) return; // another was chosen meanwhile
  pixels = decoded;
  drawSeen();
  canvas.setAttribute("aria-busy", "false");
}

function drawSeen() {
  const { size, gray } = data.models[state.model];
  if (canvas.width !== size) canvas.width = canvas.height = size;
  if (!pixels) return;
  const { width, height, picture } = image();
  const { extent, drawing } = geometry();
  const scale = [picture.width / width, picture.height / height];
  contextOf(canvas).putImageData(drawView(pixels, extent[state.seen], drawing, scale, size, gray), 0, 0);
}

function renderWords() {
  const view = state.seen;
  const { grid, exact, name } = data.views[state.view];
  const { labels, p, given, deviation } = network();
  const { width, height, label: truth, picture } = image();
  const [x0, y0, x1, y1] = geometry().extent[view];
  const isBeyond = Math.min(x0, y0, width - x1, height - y1) < -1e-3;
  const place = `Row ${Math.floor(view / grid) + 1}, column ${(view % grid) + 1}`;
  const role = view === initial() ? " (x₀)" : "";
  $("where").textContent =
    `${place}${role}: ${pixel(x1 - x0)} × ${pixel(y1 - y0)} pixels, x ${pixel(x0)} to ${pixel(x1)}, y ${pixel(y0)} to ${pixel(y1)}` +
    (isBeyond ? ", beyond the image, too" : "");
  $("before").setAttribute("aria-pressed", String(view === initial()));
  $("after").setAttribute("aria-pressed", String(view === found().view));
  $("verdict").replaceChildren(mark(isRight(view)), ` ${isRight(view) ? "Right" : "Wrong"}`);
  $("verdict").className = word(isRight(view));
  $("top").replaceChildren(...labels[view].map((number, i) => bar(number, p[view][i], number === truth)));
  $("given").replaceChildren(...(labels[view].includes(truth) ? [] : [bar(truth, given[view], true)]));
  const reduced = picture.width === width ? "" : `, reduced to ${picture.width} × ${picture.height} pixels`;
  const how = exact
    ? `Drawn from the embedded JPEG (quality ${picture.quality}${reduced})`
    : `Drawn approximately: ${name} samples this box in its own way`;
  $("exactness").textContent = `${how}; on average ${deviation} of 255 levels from what the network received.`;
  canvas.setAttribute("aria-label", `View from ${place.toLowerCase()}${role}`);
}

/**
 * A label with its probability.
 *
 * @param {number} number
 * @param {number} p
 * @param {boolean} isGiven
 */
function bar(number, p, isGiven) {
  const line = create("span", { class: "bar" });
  line.style.width = `${100 * p}%`;
  const tag = isGiven ? [create("span", { class: "tag" }, "given label")] : [];
  const name = create("span", { class: "name" }, label(number), ...tag);
  return create("li", isGiven ? { class: "given" } : {}, name, create("span", { class: "p" }, percent(p)), line);
}

/** Let the views before and after the saccade be chosen, and follow what is shown. */
export function startView() {
  $("before").addEventListener("click", () => go(before()));
  $("after").addEventListener("click", () => go(after()));
  onChange(["image"], renderPixels);
  onChange([...LOOK, "seen"], renderWords);
  onChange([...LOOK, "seen"], drawSeen);
}
