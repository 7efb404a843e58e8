// Elements of the page. All text from the data is set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * The element of the page with an id, which is of a kind.
 *
 * @template {Element} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function $(id, kind = /** @type {any} */ (HTMLElement)) {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new TypeError(`#${id} is no ${kind.name}`);
}

/** @param {string} id */
export const select = (id) => $(id, HTMLSelectElement);

/**
 * Give a new element its attributes and children, of which text stays text.
 *
 * @template {Element} T
 * @param {T} element
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 */
function furnish(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/**
 * Create an element of HTML.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
export function create(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

/**
 * Create an element of SVG.
 *
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
export function createSvg(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * The context in which a canvas is drawn.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function contextOf(canvas) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser cannot draw on a canvas");
  return context;
}

/**
 * Tell screen readers what changed.
 *
 * @param {string} text
 */
export const say = (text) => ($("live").textContent = text);

/**
 * Scroll the gallery, or the methods, so that an element can be seen; never the page.
 *
 * @param {Element} element
 */
export function reveal(element) {
  const sides = /** @type {const} */ ([["left", "right", "scrollLeft"], ["top", "bottom", "scrollTop"]]);
  for (const box of [$("gallery"), $("images"), $("cards")])
    for (const [start, end, scroll] of box.contains(element) ? sides : []) {
      const [inner, outer] = [element.getBoundingClientRect(), box.getBoundingClientRect()];
      if (inner[start] < outer[start]) box[scroll] -= outer[start] - inner[start];
      else if (inner[end] > outer[end]) box[scroll] += inner[end] - outer[end];
    }
}
