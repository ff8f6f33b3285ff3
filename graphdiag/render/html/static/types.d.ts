// What graphdiag writes into the page (see `data.py` and `edge_styles.py` beside this directory), and what the scripts make
// of it. Rows are numbers of nodes, edges, ops or findings, in the order of their columns; -1 is "none".

export interface PageData {
  statuses: Status[];
  rankdir: string;
  shapes: boolean;
  models: ModelData[];
}

/** How edges of one kind look. */
export interface Status {
  id: string;
  label: string;
  about: string;
  tone: string;
  letter: string;
  dash: string;
  width: number;
  double: boolean;
  arrow: string;
}

export interface ModelData {
  layers: LayerData | null;
  drawn: DrawnData | null;
  /** What the repaired graph is drawn as, or why there is none; null where there is no op graph to repair. */
  repaired?: RepairedData | { why: string } | null;
  ops: OpData | null;
  crossings: { edge: number[]; source: number[]; target: number[]; output: number[] };
  findings: Finding[];
}

export interface LayerData {
  recorded: boolean;
  names: string[];
  kinds: number[];
  labels: string[];
  classes: number[];
  class_names: string[];
  parents: number[];
  calls: number[];
  shapes: string[];
  parameters: (number | null)[];
  /** What was set when a layer was made, as "units 64". */
  settings: Record<number, string[]>;
  inputs: number[];
  outputs: number[];
  lines: Record<number, string>;
  edges: {
    source: number[];
    target: number[];
    status: number[];
    in_model: number[];
    op_edges: number[];
    carries: number[];
    carried: string[];
  };
}

export interface DrawnData {
  root: number;
  labels: string[];
  whole: number[];
  types: number[];
  parents: number[];
  cardinalities: number[];
  ops: number[];
  op_types: string[];
  aside: number[];
  why: string[];
  library: number[];
  /** Boxes of variables that a traced function takes as arguments. */
  handles?: number[];
  edges: {
    source: number[];
    target: number[];
    regular: number[];
    control: number[];
    reference: number[];
    left: number[];
  };
}

export interface RepairedData extends DrawnData {
  /** The box of each layer. */
  of_layer: number[];
  /** The box that shows each op. */
  of_op: number[];
}

export interface OpData {
  names: (string | 0)[];
  types: number[];
  type_names: string[];
  drawn: number[];
  owners: number[];
}

export interface Finding {
  code: string;
  rule: string;
  verdict: string;
  edges: number[];
  layers: number[];
  boxes: number[];
}

/** What the graphs need to know of the whole page. */
export type Table = Pick<PageData, "statuses" | "shapes">;

/** An arrow from one box to another. */
export interface Arrow {
  source: number;
  target: number;
}

export interface GraphEdge extends Arrow {
  status: number;
  /** Whether the layout follows it. */
  firm: boolean;
  /** Not on screen. */
  quiet?: boolean;
  dashed?: boolean;
  /** Of the layer graph only: TensorBoard draws nothing for it. */
  missing?: boolean;
}

/** All edges between two visible boxes. */
export interface VisibleEdge extends Arrow {
  status: number;
  firm: boolean;
  rows: number[];
  /** The end at which its hub stands, for an edge that is drawn as two stubs. */
  stub?: "source" | "target";
  /** Stands for all stubs at its hub. */
  hub?: boolean;
}

/** A box, or an opened one with what is in it. */
export interface VisibleBox {
  row: number;
  inside: VisibleBox[] | null;
}

export interface Visible {
  boxes: number[];
  root: { row: number; inside: VisibleBox[] };
  edges: VisibleEdge[];
}

/** Boxes that a level folds into one. */
export interface Fold {
  kind: string;
  items: Item[];
}

export type Item = number | Fold;

export interface Links {
  after: Map<number, Set<number>>;
  before: Map<number, Set<number>>;
}

export type Point = [number, number];

export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** An edge's cubic Bezier curve, and where its arrowhead ends. */
export interface Way {
  way: Point[];
  tip: Point;
}

export interface Laid {
  width: number;
  height: number;
  boxes: Map<number, Place>;
  opened: Map<number, Place>;
  ways: Map<number, Way>;
}

/** Boxes without arrows between them, and how many stand side by side. */
export interface Stack {
  rows: number[];
  columns: number;
}

/** What Graphviz writes as `json0`, as far as it is read here. */
export interface GraphvizAnswer {
  bb: string;
  objects?: { name: string; bb: string; pos?: string; style?: string; width: number; height: number }[];
  edges?: { id?: string; pos?: string; style?: string }[];
}

/** The two pictures of what TensorBoard draws: of the op graph as it is, and of the repaired one. */
export type DrawnKey = "drawn" | "repaired";

export type Key = "layers" | DrawnKey;

/** What is lit up in one picture. */
export interface Marks {
  nodes: Set<number>;
  edges: Set<number>;
  chosen: number;
}

/** What a selection lights up in all pictures. */
export type Marked = Record<Key, { nodes?: number[]; edges?: number[]; chosen?: number }>;

export interface Selection {
  marks: () => Marked;
  fill?: () => void;
  finding?: number;
  /** Rows around which boxes are opened, so that a finding's edges and boxes are seen. */
  within?: Record<Key, number[]>;
  /** What the address says of it. */
  kind?: string;
  names?: string[];
}

/** What is selected, as the page's address says it. */
export interface Selected {
  /** Number of the model in its page. */
  model: number;
  /** A finding's code, and which of those that have it. */
  code: string;
  nth: number;
  /** What else is selected: "layer", "box", "repaired", "edge", "arrow" or "repaired-arrow"; empty for none. */
  kind: string;
  /** Names of the box, or of both ends of the edge. */
  names: string[];
}

/** What one end of an edge says: its row by this key. */
export type End = "source" | "target";
