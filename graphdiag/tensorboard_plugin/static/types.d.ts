/** What is seen in the tab, as the address has it. */
export interface Place {
  run: string;
  /** Tag of the op graph; null for the first that has ops. */
  tag: string | null;
  /** What holds the layer graph: the id of a model, `none`, or empty for what the run has. */
  model: string;
  /** The run that this one is compared with; empty for none. */
  to: string;
  /** What is selected in the page, as the page's own address has it. */
  at: string;
}

export interface Answer {
  tag: string;
  headline: string;
  counts: { artifact: number; hidden: number; missing: number };
  stack: string;
  layers: number | null;
  ops: number | null;
  repairable: boolean;
}

export interface Run {
  name: string;
  directory: string;
  problem: string;
  started?: number;
  tags?: string[];
  keras?: string[];
  /** The model beside the log that is taken. */
  model?: string;
  /** Changes with what is in the run. */
  content?: string;
  state?: "waiting" | "working" | "done" | "failed";
  answer?: Answer | null;
  line?: string;
}

export interface Model {
  id: string;
  directory?: string;
  run?: string;
  tag?: string;
}

export interface State {
  version: number;
  reading: { done: number; of: number; first: boolean };
  directories: string[];
  runs: Run[];
  models: Model[];
  refused: string[];
}

export interface JobState {
  state: "waiting" | "working" | "done" | "failed";
  line: string;
  seconds: number;
  ahead: number;
  answer: Answer | null;
  result: string;
}
