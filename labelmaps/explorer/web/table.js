// The list of images as a file of CSV.

import { data } from "./data.js";
import { found, image, initial, label, network, state } from "./state.js";

/** With these a spreadsheet's formula begins, also after blanks and characters that are not seen, and in their wide forms. */
const FORMULA = /^[\s\p{C}]*[=+\-@＝＋－＠]/u;
const LONGEST = 150; // characters of a file's name, which file systems limit

/**
 * A field as text: quoted, and with an apostrophe before what a spreadsheet would compute, as it does before quoted text, too.
 *
 * @param {string | number | boolean | null} field
 */
function writeField(field) {
  if (field === null) return "";
  if (typeof field === "boolean") return field ? "True" : "False";
  if (typeof field === "number") return String(field);
  return `"${(FORMULA.test(field) ? `'${field}` : field).replaceAll('"', '""')}"`;
}

/**
 * A table of CSV, with a line for each row.
 *
 * @param {Record<string, string | number | boolean | null>[]} rows of the same names
 */
export function writeTable(rows) {
  const lines = rows.map((row) => Object.values(row).map(writeField).join());
  return [Object.keys(rows[0]).map(writeField).join(), ...lines].map((line) => `${line}\n`).join("");
}

/** @param {number} i What the page says of an image, through the network, the view and the method shown; x and y in pixels. */
function describe(i) {
  const { image: id, label: truth, kind, width, height, boxes, share } = image(i);
  const { labels, p, given } = network(i);
  const { x, y, before, after, pointing, view } = found(i);
  const names = { dataset: data.dataset, view: data.views[state.view].name, model: data.models[state.model].name };
  return {
    ...{ ...names, method: data.methods[state.method].id, image: id, label: truth, class: label(truth), kind },
    ...{ width, height, n_boxes: boxes.length, object_share: share, x, y, correct_before: before, correct_after: after, pointing },
    ...{ predicted_before: label(labels[initial()][0]), p_before: p[initial()][0], p_label_before: given[initial()] },
    ...{ predicted_after: label(labels[view][0]), p_after: p[view][0], p_label_after: given[view] },
  };
}

/** @param {number[]} images */
export const describeAll = (images) => writeTable(images.map(describe));

/** The name of the file: what was looked at, and what the filters leave; of characters that file systems take. */
export function nameFile() {
  const looked = [data.dataset, data.views[state.view].name, data.models[state.model].name, data.methods[state.method].id];
  const words = [...looked, ...Object.values(state.filters)].map((text) => text.replace(/[^\p{L}\p{N}.-]+/gu, "_"));
  return `${words.join("_").replace(/^[._-]+/, "").slice(0, LONGEST)}.csv`;
}

/**
 * Save a text as a file, where the browser saves what it loads.
 *
 * @param {string} text
 * @param {string} name
 */
export function save(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  Object.assign(link, { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
