/** @import { Data } from "./types" */

/** @type {Data} What labelmaps/explorer/data.py left in the page. */
export const data = JSON.parse(document.getElementById("data")?.textContent ?? "");

/** Whether any image that is shown has a box: without one, nothing is said of boxes, sizes and the Pointing Game. */
export const hasBoxes = data.images.some(({ boxes }) => boxes.length > 0);

/** Whether any scanpath goes further than x₀. */
export const hasScanpaths = data.images.some(({ networks }) =>
  networks.flat().some(({ scanpaths }) => scanpaths.some((path) => path && path.views.length > 1)),
);
