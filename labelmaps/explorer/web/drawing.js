// Views drawn from a picture, as labelmaps/resampling/boxes.py draws them for the network.

/** @import { Box, Drawing, Sampling } from "./types" */

/** @param {number} distance The weight of a pixel below 2 from a sample: Keys's cubic convolution with a = -0.5, as in Pillow. */
function cubic(distance) {
  if (distance < 1) return (1.5 * distance - 2.5) * distance ** 2 + 1;
  return -0.5 * (((distance - 5) * distance + 8) * distance - 4);
}

/**
 * What samples an interval of a row of `n` pixels at `size` evenly spaced points: for each its taps, [pixel, weight], whose
 * weights sum to 1. Pixel j covers [j, j + 1]; pixel n is empty. No sample lies beyond [first, last]: what is there, `beyond` says.
 *
 * @param {number} start
 * @param {number} stop
 * @param {number} first
 * @param {number} last
 * @param {number} n
 * @param {number} size
 * @param {Sampling} sampling
 * @returns {[number, number][][]}
 */
function sampleInterval(start, stop, first, last, n, size, { antialias, places, beyond, interpolation }) {
  /** @param {number} x @param {number} side */
  const modulo = (x, side) => ((x % side) + side) % side;
  const length = stop - start;
  const side = last - first;
  const edges = places === "edges";
  const bicubic = interpolation === "bicubic";
  const unit = antialias ? Math.max(length / size, 1) : 1;
  const support = bicubic ? 2 * unit : unit;
  return Array.from({ length: size }, (_, i) => {
    let position = start + length * (edges ? i / Math.max(size - 1, 1) : (i + 0.5) / size);
    if (beyond === "roll") position = first + modulo(position - first, side);
    if (beyond === "reflect") position = first + side - Math.abs(modulo(position - first, 2 * side) - side);
    if (!edges && (position < Math.max(first, 0) || position > Math.min(last, n))) return [[n, 1]];
    /** @type {[number, number][]} */
    const taps = [];
    let total = 0;
    for (let pixel = Math.floor(position - 0.5 - support) + 1; pixel < position - 0.5 + support; pixel++) {
      const isPixel = pixel >= 0 && pixel < n;
      if (!isPixel && !edges) continue; // pixels at the edge stand for those beyond
      const distance = Math.abs(pixel + 0.5 - position) / unit;
      const weight = bicubic ? cubic(distance) : 1 - distance;
      taps.push([isPixel ? pixel : n, weight]);
      total += weight;
    }
    return taps.map(([pixel, weight]) => [pixel, weight / total]);
  });
}

/**
 * A view of a picture (ImageData) from the box [x0, y0, x1, y1], as ImageData of size × size pixels.
 *
 * box, and the `visible_box` of `drawing`, are in pixels of the image; `scale` is the picture's [width, height] in units of the image's.
 * gray: the network's mean colour, in levels of 255.
 *
 * @param {ImageData} picture
 * @param {Box} box
 * @param {Drawing} drawing
 * @param {number[]} scale
 * @param {number} size
 * @param {number[]} gray
 */
export function drawView(picture, box, drawing, scale, size, gray) {
  const { data, width, height } = picture;
  const [x0, y0, x1, y1] = box.map((x, i) => x * scale[i % 2]);
  const [left, top, right, bottom] = drawing.visible_box.map((x, i) => x * scale[i % 2]);
  const columns = sampleInterval(x0, x1, left, right, width, size, drawing.sampling);
  const rows = sampleInterval(y0, y1, top, bottom, height, size, drawing.sampling);
  const empty = drawing.empty === "gray" ? gray : [0, 0, 0];
  /** @type {Float64Array[]} The picture's rows, resampled; the one beyond the last is empty. */
  const narrow = [];
  /** @param {number} y */
  const resampled = (y) => {
    if (!narrow[y]) {
      const row = (narrow[y] = new Float64Array(size * 3));
      for (let i = 0; i < size; i++)
        for (const [x, weight] of columns[i])
          for (let c = 0; c < 3; c++)
            row[3 * i + c] += weight * (x < width && y < height ? data[4 * (y * width + x) + c] : empty[c]);
    }
    return narrow[y];
  };
  const view = new ImageData(size, size);
  const sum = new Float64Array(size * 3);
  for (let j = 0; j < size; j++) {
    sum.fill(0);
    for (const [y, weight] of rows[j]) {
      const row = resampled(y);
      for (let i = 0; i < sum.length; i++) sum[i] += weight * row[i];
    }
    for (let i = 0; i < size; i++) {
      const isSeen = !drawing.disc || ((2 * i + 1) / size - 1) ** 2 + ((2 * j + 1) / size - 1) ** 2 <= 1;
      for (let c = 0; c < 3; c++) view.data[4 * (j * size + i) + c] = isSeen ? sum[3 * i + c] : 0;
      view.data[4 * (j * size + i) + 3] = 255;
    }
  }
  return view;
}
