// The types of the page's data, as labelmaps/explorer/data.py and seen.py write it, and of what the page shows of it.
// Points x, y and boxes x0, y0, x1, y1 are in pixels of the image; cells and views are counted row by row, from 0.

export type Point = [number, number];
export type Box = [number, number, number, number];

export interface Data {
  dataset: string;
  n_images: number;
  unit: "image" | "case";
  views: View[];
  models: Model[];
  methods: Method[];
  scanpaths: Scanpath[];
  summary: (Summary | null)[][][]; // [view][network][method]
  images: Picture[];
  classes: Record<string, string>; // label → name
  sizes: string[];
  palette: string[]; // from low to high
  largest_picture: number; // bytes
}

export interface View {
  name: string;
  options: string;
  grid: number;
  exact: boolean;
}

export interface Model {
  name: string;
  architecture: string;
  source: string;
  size: number;
  gray: [number, number, number]; // the mean colour, in levels of 255
}

export interface Method {
  id: string; // its name in the configuration
  name: string;
  cue: string;
  colour: string;
  unit: string;
}

export interface Scanpath {
  id: string;
  name: string;
  colour: string;
}

export interface Summary {
  accuracy_before: string;
  accuracy_after: string;
  gain: string;
  pointing: string;
  n_images: number;
  n_pointing: number;
}

export interface Picture {
  id: string; // unique on the page: that of the image, with the class where it shows several
  image: string;
  kind: string;
  network: string;
  label: number;
  width: number;
  height: number;
  boxes: Box[];
  share: number | null;
  size: number | null; // of `Data.sizes`
  picture: Jpeg;
  views: Geometry[][]; // [view][network], or [view][0] where they are the same for all networks
  networks: Answers[][]; // [view][network]
}

export interface Jpeg {
  jpeg: string; // in base64
  quality: number;
  width: number;
  height: number;
}

export interface Geometry {
  centre: Point[];
  extent: Box[];
  drawing: Drawing;
}

export interface Drawing {
  visible_box: Box;
  sampling: Sampling;
  empty: string;
  disc: boolean;
}

export interface Sampling {
  antialias: boolean;
  places: string;
  beyond: string;
  interpolation: string;
}

export interface Answers {
  labels: number[][]; // [view], the most probable first
  p: number[][];
  given: number[]; // [view], the probability of the image's label
  deviation: number; // levels of 255
  methods: (MethodMap | null)[]; // null: the network does without the method
  scanpaths: (Path | null)[];
}

export interface MethodMap {
  rows: number;
  columns: number;
  saliency: number[];
  view: number; // after the saccade
  x: number;
  y: number;
  tie: boolean;
  dead: boolean;
  own_label: number | null;
  before: boolean;
  after: boolean;
  pointing: "hit" | "miss" | "skipped";
  point?: Point[]; // of each cell, where it is not that of the view
  views?: number[]; // of each cell, where it is not the cell's own
}

export interface Path {
  views: number[];
  labels: number[];
}

/** What is shown. Numbers are places in the data. */
export interface State {
  image: number;
  model: number;
  view: number;
  method: number;
  cell: number; // of the map, that is kept; -1 where none leads to the view that is
  kept: number; // the view from there
  marked: number; // the cell that is pointed at, or the one that is kept
  seen: number; // the view from there
  scanpath: number; // -1: none
  isOverlaid: boolean; // the map, over the image
  filters: Record<string, string>; // name → the option chosen, of those that are not "any"
}
