// Numbers and outcomes as words and signs.

import { create } from "./dom.js";

/** @import { MethodMap } from "./types" */

export const POINTING = { hit: "hit", miss: "miss", skipped: "no box" };

/** @param {string} text */
export const minus = (text) => text.replace(/-/g, "−");

/** @param {number} p */
export const percent = (p) => (p > 0 && p < 0.001 ? "< 0.1 %" : `${(100 * p).toFixed(1)} %`);

/** @param {number} x */
export const value = (x) => minus(String(Number(x.toPrecision(3))));

/** @param {number} x */
export const pixel = (x) => minus(String(Math.round(x)));

/** @param {string} text */
export const title = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {number} n @param {string} word @param {string} words */
export const plural = (n, word, words = `${word}s`) => `${n} ${n === 1 ? word : words}`;

/** @param {boolean} isRight */
export const word = (isRight) => (isRight ? "right" : "wrong");

/**
 * A tick or a cross, which screen readers read as a word.
 *
 * @param {boolean} isRight
 */
export function mark(isRight) {
  const sign = create("span", { "aria-hidden": "true" }, isRight ? "✓" : "✗");
  return create("span", { class: word(isRight) }, sign, create("span", { class: "unseen" }, word(isRight)));
}

/**
 * Right or wrong before, and after the saccade.
 *
 * @param {MethodMap} map
 */
export function outcome({ before, after }) {
  const arrow = create("span", { class: "arrow" }, " → ");
  return create("span", { class: "outcome" }, mark(before), arrow, mark(after));
}
