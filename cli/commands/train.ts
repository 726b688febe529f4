// `innerloop train`: meta-trains a learner and saves the run.
import { basename } from "node:path";
import type { Estimate } from "@innerloop/measure";
import type { RunConfig, RunConfigInput } from "@innerloop/schemas";
import type { Validation } from "@innerloop/train";
import { defineCommand, wrongCall } from "../call/command.ts";
import {
  checkFlags,
  configFromFlags,
  configOptions,
  flagDefaults,
  readConfig,
  withChanges,
} from "../inputs/config-flags.ts";
import { bundleAt } from "../inputs/places.ts";
import { runFolder } from "../inputs/run-folder.ts";
import { trainToTheEnd } from "../shared/training.ts";
import { commandLine, percent, print, printJson, style } from "../terminal/output.ts";

const presetNames = async () => Object.keys((await import("@innerloop/train")).presets);

export const command = defineCommand({
  name: "train",
  summary: "meta-train a learner; CONFIG is a preset or a YAML or JSON file, and every field of it is also a flag",
  defaults: (args) => flagDefaults(args.find((word) => !word.startsWith("-"))),
  async notes() {
    const { algorithms, models, presets } = await import("@innerloop/train");
    return [
      { title: "Algorithms", rows: algorithms.all.map(({ name, summary, paper }) => [name, `${summary} (${paper})`]) },
      { title: "Models", rows: models.all.map(({ name, summary }) => [name, summary]) },
      { title: "Presets", rows: Object.entries(presets).map(([name, { summary }]) => [name, summary] as const) },
      "In brackets stands what is taken where a flag is not given, and for which presets it is something else; innerloop train " +
        "PRESET --help shows that of one preset.",
    ];
  },
  arguments: [
    {
      name: "CONFIG",
      what: "a preset's name, or a YAML or JSON file",
      optional: true,
      completes: { words: presetNames, paths: true },
    },
  ],
  options: {
    ...configOptions,
    out: {
      type: "text",
      what: "folder of the run",
      completes: "paths",
      otherwise: "runs/<preset or data>-<n>",
      group: "Run",
    },
    resume: { type: "switch", what: "go on with the run in --out, as if it had never stopped", group: "Run" },
    cache: {
      type: "switch",
      what: "keep what ONNX Runtime optimized, so that a later training starts sooner; --no-cache leaves that out",
      otherwise: "on",
      group: "Run",
    },
    json: { type: "switch", what: "the result as JSON on stdout", group: "Run" },
  },
  examples: [
    ["train quickstart --minutes 5", "the embedded characters, for five minutes"],
    ["train images-5way-1shot --data images:photos", "your own images, one sub-folder a class"],
    ["train --from drawings --data images:photos", "few classes of your own, from a bundle that learned others"],
    ["train --data images:photos --folds 5", "how good it is on new classes, where there are few"],
    ["train --resume --out runs/quickstart-1", "go on with a run"],
  ],
  async run(options, [configName]) {
    // Worker threads and children are to know it as well.
    if (options.cache === false) process.env.INNERLOOP_CACHE = "off";
    const flags = configFromFlags(options);
    if (options.resume && options.out === undefined)
      throw wrongCall("missing-option", "--resume needs --out: the folder of the run to go on with.");
    const { config, from } = await configOf(configName, flags, options.resume ? options.out : undefined);
    const folder = await runFolder(options.out, config.preset ?? basename(config.data.replace(/^\w+:/, "")));
    const out = folder.path;
    const started = performance.now();
    const validations: Validation[] = [];
    const { header, learner, tasks, comparison } = await folder.during(
      trainToTheEnd({
        config,
        out,
        resume: options.resume ?? false,
        ...(from === undefined ? {} : { from }),
        onValidation: (validation) => validations.push(validation),
      }),
    );
    const best = header.best ?? { iteration: header.iteration, score: Number.NaN };
    const { runVerdict } = await import("@innerloop/measure");
    const { comparisonText } = await import("@innerloop/train");
    const heldBack = (header.tasks?.heldBack?.classes ?? 0) >= 2;
    const verdict = await runVerdict(config, tasks, scoreOf(best, validations, config), header.history.length);
    if (options.json) {
      const seconds = (performance.now() - started) / 1000;
      const found = { best, verdict, ...(comparison ? { comparison } : {}), history: header.history };
      printJson({ run: out, iterations: header.iteration, seconds, ...found, config });
      return;
    }
    const score =
      learner.task === "regression"
        ? `loss ${(-best.score).toFixed(4)}`
        : `accuracy ${percent(best.score)} on ${heldBack ? "held-back classes" : "other episodes of the classes that it was trained on"}`;
    print(`${out}: ${header.iteration} iterations; best after ${best.iteration}: ${score}`);
    print(verdict.text);
    if (comparison) print(`${comparisonText(comparison)}.`);
    // What answers no better than guessing is no use in a bundle.
    if (verdict.kind === "guessing")
      print(
        `Next: ${learner.task === "regression" ? "" : "see that each sub-folder of the data is a class; "}train for longer (--minutes)` +
          `${learner.task === "regression" ? "" : ", with more classes"}, or with another --inner-rate, --rate or --algorithm.`,
      );
    else print(`Next: ${style("bold", commandLine`export ${out}`)}`);
  },
});

/** The score of the best validation with its interval: as measured, or where another call measured it, as wide as it may be. */
function scoreOf(
  { iteration, score }: { readonly iteration: number; readonly score: number },
  validations: readonly Validation[],
  { validation: { episodes } }: RunConfig,
): Estimate {
  const measured = validations.find((entry) => entry.iteration === iteration);
  if (measured) return measured.accuracy;
  // No score from 0 to 1 deviates more from its mean than one that is either.
  if (score >= 0) return { mean: score, ci95: 1.96 * Math.sqrt((score * (1 - score)) / episodes) };
  return { mean: -score, ci95: -score };
}

/**
 * The complete config of a call, and the folder of the bundle that it starts from. Flags are looked at beside what they change, a
 * file by itself.
 */
async function configOf(
  name: string | undefined,
  flags: RunConfigInput,
  resumed: string | undefined,
): Promise<{ readonly config: RunConfig; readonly from?: string }> {
  const { completeConfig, completed, readStart, settingsFrom } = await import("@innerloop/train");
  let config: RunConfig;
  let from: string | undefined;
  if (resumed !== undefined && name === undefined) {
    const { readCheckpoint } = await import("@innerloop/train");
    config = withChanges((await readCheckpoint(resumed)).header.config, flags);
    if (config.from !== undefined) from = await bundleAt(config.from);
  } else {
    const given = name === undefined ? {} : await readConfig(name);
    completeConfig(given);
    const changed = withChanges(given, flags);
    if (changed.from !== undefined) from = await bundleAt(changed.from);
    config = completed(from === undefined ? changed : settingsFrom(await readStart(from), changed));
  }
  checkFlags(config, flags);
  return { config, ...(from === undefined ? {} : { from }) };
}
