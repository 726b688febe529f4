// `innerloop adapt`: makes a bundle one's own from a handful of examples.
import type { Learner } from "@innerloop/runtime";
import { defineCommand, needed } from "../command.ts";
import { labelled, points, readSupport } from "../example-files.ts";
import { commandLine, print, printJson, resultStyle, say, style } from "../output.ts";
import { openBundle } from "../places.ts";
import { providers } from "../providers.ts";
import { checkStepOptions } from "../step-options.ts";
import { tryOut } from "../try-out.ts";

export const adapt = defineCommand({
  name: "adapt",
  summary: "adapt a bundle to your own examples, and save what it learned",
  arguments: [{ name: "BUNDLE", what: "the folder that export wrote" }],
  options: {
    support: {
      type: "text",
      what: "folder with one sub-folder of images a class; or a .csv or .json table with a column label",
      completes: "paths",
    },
    out: { type: "text", what: "file for what was learned, as mine.safetensors", completes: "paths" },
    steps: { type: "whole", least: 0, what: "inner steps", otherwise: "as in training" },
    rate: { type: "number", least: 0, what: "multiplies the learned rates", otherwise: "1" },
    provider: { type: "text", what: "where it runs", choices: providers, otherwise: "auto" },
    json: { type: "switch", what: "the result as JSON on stdout" },
  },
  examples: [
    ["adapt bundle --support my-symbols --out mine.safetensors", "my-symbols/heart/*.png, my-symbols/star/*.png"],
  ],
  async run(options, args) {
    const [bundle] = args as [string];
    const support = needed(options.support, "adapt", "support", "a folder with one sub-folder of examples a class");
    const out = needed(options.out, "adapt", "out", "the file to write, as mine.safetensors");
    await tryOut(out);
    const learner = await openBundle(bundle, { provider: (options.provider ?? "auto") as "auto" });
    try {
      const { manifest } = learner;
      checkStepOptions(manifest, options);
      const examples = await readSupport(support, manifest);
      const how = {
        ...(options.steps === undefined ? {} : { steps: options.steps }),
        ...(options.rate === undefined ? {} : { rate: options.rate }),
      };
      const started = performance.now();
      const personal =
        manifest.task === "regression"
          ? await (learner as unknown as Learner<"regression">).adapt(points(examples, manifest), how)
          : await learner.adapt(labelled(examples), how);
      const milliseconds = performance.now() - started;
      await personal.save(out);
      const { labels, supportLoss } = personal;
      if (options.json) {
        const steps = options.steps ?? manifest.innerLoop.steps;
        printJson({
          out,
          examples: examples.length,
          labels,
          steps,
          supportLoss,
          provider: learner.provider.name,
          milliseconds,
        });
        return;
      }
      const classes = labels.length > 0 ? ` of ${labels.length} classes (${labels.join(", ")})` : "";
      say(
        `${style("dim", "adapt")} to ${examples.length} examples${classes} on ${learner.provider.name}: ${milliseconds.toFixed(0)} ms`,
      );
      const [before = Number.NaN, after = Number.NaN] = [supportLoss[0], supportLoss.at(-1)];
      print(
        supportLoss.length > 1
          ? `loss on the examples: ${before.toFixed(4)} before, ${after.toFixed(4)} after ${supportLoss.length - 1} steps`
          : `loss on the examples: ${before.toFixed(4)}; this learner takes no steps`,
      );
      print(`${resultStyle("bold", out)}: what was learned`);
      say(`Next: ${style("bold", commandLine`predict ${bundle} --params ${out} IMAGE…`)}`);
    } finally {
      await learner.dispose();
    }
  },
});
