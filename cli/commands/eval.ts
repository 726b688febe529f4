// `innerloop eval`: measures an exported bundle on classes that it was never trained on: of data, or a person's own examples.
import type { KernelChoice } from "@innerloop/measure";
import { defineCommand, didYouMean, short, withoutEffect, wrongCall } from "../call/command.ts";
import { dataSpecs } from "../inputs/data-specs.ts";
import { bundleArgument, openBundle } from "../inputs/places.ts";
import { describeEvaluation } from "../shared/evaluation-text.ts";
import { describeOwnEvaluation } from "../shared/own-evaluation-text.ts";
import { pictureOptions, picturesFrom } from "../shared/picture-options.ts";
import { providers } from "../shared/providers.ts";
import { showEvaluation, showOwnEvaluation } from "../shared/show-evaluation.ts";
import { checkStepOptions } from "../shared/step-options.ts";
import { print, printJson } from "../terminal/output.ts";

const parts = ["train", "val", "test"] as const;
const kernels = ["auto", "native", "onnxruntime"] as const satisfies readonly KernelChoice[];

export const command = defineCommand({
  name: "eval",
  summary:
    "adapt a bundle to many episodes of unseen classes, and measure its answers; or to your own examples, and ask it others",
  notes: async () => [
    "With --support and --query, it is adapted once to all examples of the one and asked all of the other: how good it will be " +
      "with these examples, beside simpler ways, and which files it takes for something else.",
    "Of the classes in images:DIR, a fifth (by a hash of their names) is the test split. To measure on all of your own " +
      "classes, put their folders into DIR/test/.",
  ],
  arguments: [bundleArgument],
  options: {
    data: {
      type: "text",
      what: "SPEC of the data",
      completes: { words: dataSpecs },
      otherwise: "those of the training",
    },
    split: {
      type: "text",
      what: "the part of the data, or several as train,test",
      completes: { words: parts },
      otherwise: "test",
    },
    ways: { type: "whole", least: 2, most: 65_536, what: "classes in an episode", otherwise: "as in training" },
    shots: {
      type: "whole",
      least: 1,
      most: 65_536,
      what: "support examples of each class",
      otherwise: "as in training",
    },
    queries: { type: "whole", least: 1, most: 65_536, what: "query examples of each class", otherwise: "15" },
    steps: { type: "whole", least: 0, most: 1000, what: "inner steps", otherwise: "as the bundle says" },
    episodes: { type: "whole", least: 1, what: "episodes", otherwise: "600" },
    seed: { type: "whole", least: 0, what: "seed of the episodes", otherwise: "0" },
    ...pictureOptions,
    provider: { type: "text", what: "where it runs", choices: providers, otherwise: "auto" },
    kernels: {
      type: "text",
      what: "what computes on the processor: native, built by innerloop setup native, or onnxruntime",
      choices: kernels,
      otherwise: "native where it is built",
    },
    workers: {
      type: "whole",
      least: 0,
      most: 1024,
      what: "worker threads of the processor; 0: none",
      otherwise: "as many as cores, where that is quicker",
    },
    shift: {
      type: "text",
      what: "measure as the data of users may be: the ways, as inverted,paper,noise, of which each episode has one to three",
    },
    transductive: {
      type: "switch",
      what: "normalize by the query batch's statistics, as early papers did (batch norm only)",
    },
    support: {
      type: "text",
      what: "your own examples to adapt to: a folder with one sub-folder a class, or a table",
      completes: "paths",
    },
    query: { type: "text", what: "your own examples to ask, in the same way", completes: "paths" },
    label: { type: "text", what: "of tables of your own: the column that has the class of each row" },
    json: { type: "switch", what: "the result as JSON on stdout" },
  },
  examples: [
    ["eval runs/quickstart-1/bundle --shots 5", "the same learner with five examples a class"],
    ["eval bundle --data images:photos", "on images of your own"],
    ["eval bundle --support mine/taught --query mine/others", "how good it will be with these examples"],
  ],
  async run(options, args) {
    const [bundle] = args as [string];
    const { json = false, split, provider, shift, support, query, label, margin, invert, ...rest } = options;
    const where = {
      ...(provider === undefined ? {} : { provider: provider as "auto" }),
      ...picturesFrom({ margin, invert }),
    };
    if (support !== undefined || query !== undefined) {
      const { steps, kernels, ...idle } = rest;
      if (kernels !== undefined) throw withoutEffect("--kernels", "ONNX Runtime computes where --support is taught");
      checkOwn({ support, query }, { ...idle, split, shift });
      const learner = await openBundle(bundle, where);
      try {
        checkStepOptions(learner.manifest, { steps });
        const found = await showOwnEvaluation(learner, { support: support!, query: query!, label, steps });
        if (json) printJson(found);
        else print(describeOwnEvaluation(found));
      } finally {
        await learner.dispose();
      }
      return;
    }
    const { kernels, ...others } = rest;
    if (label !== undefined)
      throw withoutEffect("--label", "it is for tables of your own, which --support and --query name");
    const evaluation = await showEvaluation(bundle, {
      ...others,
      ...(kernels === undefined ? {} : { kernels: kernels as KernelChoice }),
      ...(split === undefined ? {} : { split: partsIn(split) }),
      ...(shift === undefined ? {} : { shifts: shift.split(",").map((name) => name.trim()) }),
      ...where,
    });
    if (json) printJson(evaluation);
    else print(describeEvaluation(evaluation));
  },
});

/** The parts that a text names. @throws InnerloopError `bad-option` (status 2) */
function partsIn(text: string): (typeof parts)[number][] {
  return text.split(",").map((word) => {
    const part = parts.find((each) => each === word.trim());
    if (part !== undefined) return part;
    throw wrongCall(
      "bad-option",
      `--split is "${short(text)}"; one of ${parts.join(", ")} was expected, or several with commas between them` +
        `${didYouMean(word.trim(), parts) || "."}`,
    );
  });
}

/** @throws InnerloopError (status 2) where one of the two is missing, or beside them what is for data alone */
function checkOwn(
  own: { readonly support: string | undefined; readonly query: string | undefined },
  others: Readonly<Record<string, unknown>>,
): void {
  for (const [name, value] of Object.entries(own))
    if (value === undefined)
      throw wrongCall(
        "missing-option",
        `innerloop eval needs --${name} beside --${name === "query" ? "support" : "query"}: a folder with one sub-folder of examples a class, or a table.` +
          (name === "query" ? " To hold the examples themselves out in turn: innerloop adapt --check." : ""),
      );
  for (const [name, value] of Object.entries(others))
    if (value !== undefined)
      throw withoutEffect(`--${name}`, "all examples of --support are taught, and all of --query are asked");
}
