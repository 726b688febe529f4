// Which commands there are.
import type { Command } from "./command.ts";

/** Where each command is; one is loaded only when it is called or asked for help. */
export const commands = {
  quickstart: {
    summary: "train, export, adapt and evaluate on embedded data: about two minutes",
    load: async () => (await import("./commands/quickstart.ts")).quickstart,
  },
  train: {
    summary: "meta-train a learner",
    load: async () => (await import("./commands/train.ts")).train,
  },
  export: {
    summary: "write a run as a bundle of plain ONNX, verified",
    load: async () => (await import("./commands/export.ts")).exportCommand,
  },
  eval: {
    summary: "measure a bundle on classes that it was never trained on",
    load: async () => (await import("./commands/eval.ts")).evalCommand,
  },
  adapt: {
    summary: "adapt a bundle to your own examples",
    load: async () => (await import("./commands/adapt.ts")).adapt,
  },
  predict: {
    summary: "say what inputs are",
    load: async () => (await import("./commands/predict.ts")).predict,
  },
  demo: {
    summary: "open a page to draw your own symbols, and watch a bundle learn them",
    load: async () => (await import("./commands/demo.ts")).demo,
  },
  inspect: {
    summary: "show what is in a bundle, a run or an .onnx file",
    load: async () => (await import("./commands/inspect.ts")).inspect,
  },
  bench: {
    summary: "measure how long a bundle takes to start, adapt and predict here",
    load: async () => (await import("./commands/bench.ts")).bench,
  },
  setup: {
    summary: "install what computes on a GPU: made aside, tried, then put to use",
    load: async () => (await import("./commands/setup.ts")).setup,
  },
  doctor: {
    summary: "show which engines and providers work here, and what to do about the others",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  completion: {
    summary: "write what makes a shell complete commands and options",
    load: async () => (await import("./commands/completion.ts")).completion,
  },
} satisfies Record<string, { summary: string; load: () => Promise<Command> }>;

export type CommandName = keyof typeof commands;

export const commandNames = Object.keys(commands) as CommandName[];
