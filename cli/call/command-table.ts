// Which commands there are, in the order of the help: for each a line with what it is for and where it is. One is loaded only
// when it is called or asked for help.
import type { Command } from "./command.ts";

/** What the overview says of a command, and how it is loaded. */
interface Entry {
  readonly summary: string;
  load(): Promise<Command>;
}

const entry = (summary: string, file: () => Promise<{ readonly command: Command }>): Entry => ({
  summary,
  load: async () => (await file()).command,
});

// biome-ignore format: a command is a line.
const entries = {
  quickstart: entry("train, export, adapt and evaluate on embedded data: about two minutes", () => import("../commands/quickstart.ts")),
  data: entry("look at data: what is there, what is left out, and what to train with", () => import("../commands/data.ts")),
  train: entry("meta-train a learner", () => import("../commands/train.ts")),
  export: entry("write a run as a bundle of plain ONNX, verified", () => import("../commands/export.ts")),
  adaptable: entry("make a bundle of an ONNX model from anywhere", () => import("../commands/adaptable.ts")),
  eval: entry("measure a bundle on classes that it was never trained on", () => import("../commands/eval.ts")),
  adapt: entry("adapt a bundle to your own examples", () => import("../commands/adapt.ts")),
  predict: entry("say what inputs are", () => import("../commands/predict.ts")),
  merge: entry("put what adapt learned into the model, as one plain .onnx file", () => import("../commands/merge.ts")),
  demo: entry("open a page to draw your own symbols, and watch a bundle learn them", () => import("../commands/demo.ts")),
  inspect: entry("show what is in a bundle, a run or an .onnx file", () => import("../commands/inspect.ts")),
  transform: entry("write the derivatives of a model, or the model of many at once, as another .onnx file", () => import("../commands/transform.ts")),
  bench: entry("measure how long a bundle takes to start, adapt and predict here", () => import("../commands/bench.ts")),
  setup: entry("install what computes on a GPU: made aside, tried, then put to use", () => import("../commands/setup.ts")),
  "tune-machine": entry("measure which forms of convolutions are quick here, for training", () => import("../commands/tune-machine.ts")),
  doctor: entry("show which engines and providers work here, and what to do about the others", () => import("../commands/doctor.ts")),
  completion: entry("write what makes a shell complete commands and options", () => import("../commands/completion.ts")),
};

/** By name. */
export const commands: ReadonlyMap<string, Entry> = new Map(Object.entries(entries));
