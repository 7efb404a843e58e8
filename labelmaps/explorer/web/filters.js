// Which images are listed.

import { data, hasBoxes } from "./data.js";
import { found, label, state } from "./state.js";
import { POINTING } from "./words.js";

/** @import { MethodMap, Picture } from "./types" */
/** @typedef {[text: string, test: (map: MethodMap, shown: Picture) => boolean]} Option */

/** @param {Option[]} options Those into which any of the images falls, through whatever network and method. */
const occupied = (options) =>
  options.filter(([, test]) => data.images.some((shown) => test(/** @type {MethodMap} */ ({}), shown)));

/** @type {Option} */
const NO_BOX = ["no box", (_, shown) => shown.boxes.length === 0];

/** @type {Record<string, Option[]>} Name → what can be chosen. */
const ALL = {
  outcome: [
    ["corrected", ({ before, after }) => !before && after],
    ["broken", ({ before, after }) => before && !after],
    ["right before and after", ({ before, after }) => before && after],
    ["wrong before and after", ({ before, after }) => !before && !after],
  ],
  pointing: hasBoxes
    ? [
        [POINTING.hit, ({ pointing }) => pointing === "hit"],
        [POINTING.miss, ({ pointing }) => pointing === "miss"],
        ...occupied([NO_BOX]),
      ]
    : [],
  class: occupied(
    [...new Set(data.images.map((shown) => shown.label))]
      .sort((a, b) => label(a).localeCompare(label(b), "en"))
      .map((number) => [label(number), (_, shown) => shown.label === number]),
  ),
  size: occupied([
    ...data.sizes.map((text, bin) => /** @type {Option} */ ([text, (_, shown) => shown.size === bin])),
    NO_BOX,
  ]),
  kind: [...new Set(data.images.map((shown) => shown.kind))].map((kind) => [kind, (_, shown) => shown.kind === kind]),
};

/** The filters that can leave anything out: those with a choice. */
export const FILTERS = new Map(Object.entries(ALL).filter(([, options]) => options.length > 1));

/** The numbers of the images that the filters leave. */
export function listed(filters = state.filters) {
  const tests = [...FILTERS].flatMap(([name, options]) => options.filter(([text]) => text === filters[name]));
  return data.images.flatMap((shown, i) => (tests.every(([, test]) => test(found(i), shown)) ? [i] : []));
}
