// What the page and the image shown are, and through which network and view it is seen.

import { go } from "./address.js";
import { data, hasBoxes, hasScanpaths } from "./data.js";
import { $, create, say, select } from "./dom.js";
import { found, image, label, LOOK, onChange, state } from "./state.js";
import { percent, plural, POINTING, title, word } from "./words.js";

/**
 * Fill a choice of networks or views; where there is one, it is named and cannot be changed.
 *
 * @param {"model" | "view"} field
 * @param {string} id
 * @param {string[]} names
 */
function fillChoice(field, id, names) {
  const choice = select(id);
  choice.append(...names.map((name, i) => create("option", { value: i }, name)));
  choice.addEventListener("change", () => go({ [field]: Number(choice.value) }));
  onChange([field], () => (choice.value = String(state[field])));
  if (names.length === 1) choice.replaceWith(create("strong", { id }, names[0]));
}

function renderHeading() {
  const { label: truth, kind, network, share, boxes, id, width, height } = image();
  const several = data.models.length * data.views.length > 1;
  $("label").textContent = label(truth);
  $("reason").textContent = [title(kind), ...(network && several ? [network] : [])].join(", ");
  const facts = [id, `${width} × ${height} pixels`];
  if (share !== null) facts.push(`${plural(boxes.length, "box", "boxes")} on ${percent(share)} of the image`);
  else if (hasBoxes) facts.push("no box");
  $("facts").textContent = facts.join(" · ");
}

function sayOutcome() {
  const { before, after, pointing } = found();
  const method = data.methods[state.method].name;
  const hit = hasBoxes ? `, ${POINTING[pointing]}` : "";
  say(`${label(image().label)}; ${method}: ${word(before)} before, ${word(after)} after the saccade${hit}`);
}

function describePage() {
  const isAll = data.images.length === data.n_images;
  const all = plural(data.n_images, data.unit);
  const seen = `as the ${data.models.length === 1 ? "network" : "networks"} saw ${data.n_images === 1 ? "it" : "them"}`;
  document.title = `${data.dataset}: where should a classifier look?`;
  $("about").textContent = isAll
    ? `${data.dataset}: ${all}, ${seen}`
    : `${data.dataset}: ${data.images.length} of ${all}, chosen to be telling, ${seen}`;
  for (const [name, isShown] of Object.entries({ chosen: !isAll, boxes: hasBoxes, scanpaths: hasScanpaths }))
    for (const note of document.querySelectorAll(`[data-if=${name}]`)) note.toggleAttribute("hidden", !isShown);
  $("options").textContent = data.views.map(({ name, options }) => `${name} is ${options}`).join("; ");
  $("pictures").textContent =
    "The pictures are embedded as JPEG, colours at full resolution, with the highest quality that keeps each under " +
    `${data.largest_picture / 1000} kB; larger ones are reduced. Views are sampled from them as the network’s own were, in float instead of ` +
    "the network’s precision; how far they are from those it received, on average over x₀ and a view of each ring, stands beside each.";
}

/** Describe the page, and follow what is shown. */
export function startHeading() {
  describePage();
  const names = data.models.map(({ name, architecture, source }) => {
    const what = architecture === name ? [source] : [architecture, source];
    return `${name} (${what.join(", ")})`;
  });
  fillChoice("model", "model", names);
  fillChoice("view", "through", data.views.map(({ name }) => name));
  onChange(["image"], renderHeading);
  onChange(LOOK, sayOutcome);
}
