// The methods to choose from: each with its map, and how it fares on the image and on all.

import { go } from "./address.js";
import { data, hasBoxes } from "./data.js";
import { $, contextOf, create, reveal } from "./dom.js";
import { colours, LOOK, network, onChange, state } from "./state.js";
import { minus, outcome, plural, POINTING, title } from "./words.js";

/** @typedef {{ card: HTMLElement, input: HTMLInputElement, canvas: HTMLCanvasElement, result: HTMLElement }} Card */

/** @type {Card[]} */
const cards = data.methods.map((method, i) => {
  const input = create("input", { type: "radio", name: "method", value: i });
  input.addEventListener("change", () => go({ method: i }));
  const dot = create("span", { class: "dot" });
  dot.style.background = method.colour;
  const canvas = create("canvas", { "aria-hidden": "true" });
  const result = create("span", { class: "result" });
  const name = create("span", { class: "name" }, dot, title(method.name));
  const text = create("span", { class: "text" }, name, create("span", { class: "cue" }, method.cue), result);
  return { card: create("label", { class: "card" }, input, canvas, text), input, canvas, result };
});

function renderCards() {
  cards.forEach(({ card, input, canvas, result }, i) => {
    const map = network().methods[i];
    input.checked = i === state.method;
    input.disabled = !map;
    card.classList.toggle("absent", !map);
    if (!map) {
      result.replaceChildren("not with this network");
      Object.assign(canvas, { width: 1, height: 1 });
      return;
    }
    const pointing = create("span", { class: "pointing" }, ` · ${POINTING[map.pointing]}`);
    result.replaceChildren(outcome(map), ...(hasBoxes ? [pointing] : []));
    Object.assign(canvas, { width: map.columns, height: map.rows });
    const context = contextOf(canvas);
    colours(map).forEach((colour, cell) => {
      context.fillStyle = colour;
      context.fillRect(cell % map.columns, Math.floor(cell / map.columns), 1, 1);
    });
  });
  reveal(cards[state.method].card);
}

/** What is true of all images. */
function renderSummary() {
  const summary = data.summary[state.view][state.model][state.method];
  if (!summary) throw new Error("the summary lacks a method that the network has");
  const { accuracy_before, accuracy_after, gain, pointing, n_images, n_pointing } = summary;
  const isOfCases = data.unit === "case"; // shares are of cases, and images are counted beside
  const all = isOfCases ? `${plural(data.n_images, data.unit)} of ${plural(n_images, "image")}` : plural(n_images, "image");
  const boxed = isOfCases ? `cases with a box, in ${plural(n_pointing, "image")}` : `${n_pointing} with a box`;
  const name = create("strong", {}, title(data.methods[state.method].name));
  const text =
    ` on all ${all}: right in ${accuracy_before} % before and ${accuracy_after} % after the saccade, gain ${gain}` +
    (n_pointing ? `; hits in ${pointing} % of the ${boxed}. ` : ". ") +
    "In brackets 95 % intervals.";
  $("summary").replaceChildren(name, minus(text));
}

/** Lay out the methods, and follow what is shown. */
export function startMethods() {
  $("cards").append(...cards.map(({ card }) => card));
  onChange(LOOK, renderCards);
  onChange(LOOK, renderSummary);
}
