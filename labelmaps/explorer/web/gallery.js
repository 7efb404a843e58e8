// The images to choose from, their filters, and the file of those that are listed.

import { go } from "./address.js";
import { data, hasBoxes } from "./data.js";
import { $, create, reveal, say, select } from "./dom.js";
import { FILTERS, listed } from "./filters.js";
import { found, image, label, LOOK, onChange, state } from "./state.js";
import { describeAll, nameFile, save } from "./table.js";
import { outcome, plural, POINTING, title, word } from "./words.js";

/** @import { Picture } from "./types" */

const MANY = 12; // images for which a column beside the page is worth its room

/** @param {Picture} shown */
export const source = ({ picture }) => `data:image/jpeg;base64,${picture.jpeg}`;

/** @type {HTMLElement[]} */
const thumbnails = [];


function fillFilters() {
  for (const form of $("filters").querySelectorAll("select")) {
    const options = FILTERS.get(form.id);
    if (!options) {
      /** @type {HTMLElement} */ (form.parentElement).hidden = true;
      continue;
    }
    form.append(create("option", { value: "" }, "any"), ...options.map(([text]) => create("option", { value: text })));
    form.addEventListener("change", () => filter({ ...state.filters, [form.id]: form.value }));
  }
  $("clear").addEventListener("click", () => filter({}));
  $("export").addEventListener("click", () => {
    save(describeAll(listed()), nameFile());
    say(`Saved ${nameFile()}`);
  });
}

/** @param {Record<string, string>} chosen */
function filter(chosen) {
  const filters = Object.fromEntries(Object.entries(chosen).filter(([, text]) => text !== ""));
  const images = listed(filters);
  go({ filters, image: images.length && !images.includes(state.image) ? images[0] : state.image });
}

function renderFilters() {
  const images = listed();
  for (const [name, options] of FILTERS) {
    options.forEach(([text, test], i) => {
      const n = data.images.filter((shown, j) => test(found(j), shown)).length;
      select(name).options[i + 1].textContent = `${text} (${n})`;
    });
    select(name).value = state.filters[name] ?? "";
  }
  const isFiltered = Object.keys(state.filters).length > 0;
  $("count").textContent = isFiltered ? `${images.length} of ${data.images.length}` : "";
  $("clear", HTMLButtonElement).disabled = !isFiltered;
  $("export", HTMLButtonElement).disabled = images.length === 0;
}

function fillGallery() {
  const rows = new Map(); // kind → its thumbnails
  data.images.forEach((shown, i) => {
    if (!rows.has(shown.kind)) {
      const heading = create("span", { class: "kind", "aria-hidden": "true" }, shown.kind);
      rows.set(shown.kind, create("div", { class: "row", role: "presentation" }));
      $("gallery").append(create("div", { role: "group", "aria-label": shown.kind }, heading, rows.get(shown.kind)));
    }
    const picture = create("img", { src: source(shown), alt: "", loading: "lazy", decoding: "async" });
    const thumbnail = create("div", { role: "option", title: label(shown.label) }, picture, create("span", { class: "result" }));
    thumbnail.addEventListener("click", () => go({ image: i }));
    thumbnails.push(thumbnail);
    rows.get(shown.kind).append(thumbnail);
  });
  $("gallery").addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };
    const by = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (by === undefined || !listed().length) return;
    event.preventDefault();
    turn(by, event.repeat);
    thumbnails[state.image].focus();
  });
}

function renderGallery() {
  const images = listed();
  const focusable = images.includes(state.image) ? state.image : images[0];
  thumbnails.forEach((thumbnail, i) => {
    const { before, after, pointing } = found(i);
    thumbnail.hidden = !images.includes(i);
    thumbnail.tabIndex = i === focusable ? 0 : -1;
    thumbnail.setAttribute("aria-selected", String(i === state.image));
    const result = `${word(before)} before, ${word(after)} after${hasBoxes ? `, ${POINTING[pointing]}` : ""}`;
    thumbnail.setAttribute("aria-label", `${label(image(i).label)}: ${result}`);
    thumbnail.querySelector(".result")?.replaceChildren(outcome(found(i)));
  });
  for (const group of $("gallery").querySelectorAll("[role=group]"))
    group.toggleAttribute("hidden", !group.querySelector("[role=option]:not([hidden])"));
  const place = images.indexOf(state.image);
  $("place").textContent = `${place < 0 ? "–" : place + 1} of ${images.length}`;
  $("previous", HTMLButtonElement).disabled = !images.some((i) => i < state.image);
  $("next", HTMLButtonElement).disabled = !images.some((i) => i > state.image);
}

/**
 * Go some images on among those that are listed.
 *
 * @param {number} by
 * @param {boolean} isHeld
 */
function turn(by, isHeld = false) {
  const images = listed();
  const before = images.filter((i) => i < state.image).length;
  const from = by > 0 && !images.includes(state.image) ? before - 1 : before;
  go({ image: images[Math.min(Math.max(from + by, 0), images.length - 1)] }, isHeld);
}

/** Fill the list of images, and follow what is shown. */
export function startGallery() {
  const isOne = data.images.length === 1;
  $("images").hidden = $("turn").hidden = isOne;
  $("columns").classList.toggle("beside", data.images.length > MANY);
  $("filters", HTMLDetailsElement).open = matchMedia("(min-width: 64rem)").matches;
  for (const way of ["previous", "next"]) $(way).setAttribute("aria-label", `${title(way)} ${data.unit}`);
  $("previous").addEventListener("click", () => turn(-1));
  $("next").addEventListener("click", () => turn(1));
  fillFilters();
  fillGallery();
  onChange([...LOOK, "filters"], renderFilters);
  onChange([...LOOK, "filters"], renderGallery);
  onChange(["image"], () => reveal(thumbnails[state.image]));
  // Last, so that of a filter its number is said, and not the image that it leads to.
  onChange(["filters"], () => say(`${listed().length} of ${plural(data.images.length, data.unit)}`));
}
