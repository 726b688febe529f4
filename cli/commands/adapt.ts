// `innerloop adapt`: makes a bundle one's own from a handful of examples.
import type { Adaptation, Learner, Manifest } from "@innerloop/runtime";
import { defineCommand, needed, optionValue } from "../call/command.ts";
import { labelled, points, readSupport } from "../inputs/example-files.ts";
import { bundleArgument, openBundle } from "../inputs/places.ts";
import { tryOut } from "../inputs/try-out.ts";
import { pictureOptions, picturesFrom, sayWhatIsUnlike } from "../shared/picture-options.ts";
import { providers } from "../shared/providers.ts";
import { checkStepOptions } from "../shared/step-options.ts";
import { commandLine, print, printJson, resultStyle, say, style } from "../terminal/output.ts";

export const command = defineCommand({
  name: "adapt",
  summary: "adapt a bundle to your own examples, and save what it learned",
  arguments: [bundleArgument],
  options: {
    support: {
      type: "text",
      what: "folder with one sub-folder a class, of images, sounds or recordings; or a table with a column of classes",
      completes: "paths",
    },
    out: { type: "text", what: "file for what was learned, as mine.safetensors", completes: "paths" },
    label: { type: "text", what: "of a table: the column that has the class of each row", otherwise: "label" },
    steps: {
      type: "text",
      what: "inner steps, or auto: as many, at such a rate, as do best on examples that are held out in turn",
      otherwise: "as the bundle says",
    },
    rate: { type: "number", least: 0, most: 1000, what: "multiplies the learned rates", otherwise: "1" },
    check: { type: "switch", what: "hold examples out in turn, and say whether the steps help with new ones" },
    ...pictureOptions,
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
    const learner = await openBundle(bundle, {
      provider: (options.provider ?? "auto") as "auto",
      ...picturesFrom(options),
    });
    try {
      const { manifest } = learner;
      const steps = options.steps === undefined ? undefined : stepsFrom(options.steps);
      checkStepOptions(manifest, { steps, rate: options.rate });
      const examples = await readSupport(support, manifest, "support", { label: options.label });
      await sayWhatIsUnlike(
        examples.map(({ data }) => data),
        manifest,
      );
      const how = {
        ...(steps === undefined ? {} : { steps }),
        ...(options.check ? { check: true } : {}),
        ...(options.rate === undefined ? {} : { rate: options.rate }),
      };
      const started = performance.now();
      const personal =
        manifest.task === "regression"
          ? await (learner as unknown as Learner<"regression">).adapt(points(examples, manifest), how)
          : await learner.adapt(labelled(examples), how);
      const milliseconds = performance.now() - started;
      await personal.save(out);
      const { labels, supportLoss, adaptation, check, confidence } = personal;
      if (options.json) {
        printJson({
          out,
          examples: examples.length,
          labels,
          ...adaptation,
          supportLoss,
          ...(check ? { check } : {}),
          ...(confidence ? { confidence } : {}),
          provider: learner.provider.name,
          milliseconds,
        });
        return;
      }
      const classes = labels.length > 0 ? ` of ${labels.length} classes (${labels.join(", ")})` : "";
      say(
        `${style("dim", "adapt")} to ${examples.length} examples${classes} on ${learner.provider.name}: ${milliseconds.toFixed(0)} ms`,
      );
      for (const line of whatWasDone(supportLoss, adaptation, labels.length)) print(line);
      if (adaptation?.chosen) print(`steps chosen: ${adaptation.chosen.message}`);
      if (check) print(`check: ${check.message}`);
      if (confidence?.familiar === false) print(`${resultStyle("bold", "careful")}: ${confidence.message}`);
      print(`${resultStyle("bold", out)}: what was learned`);
      say(`Next: ${style("bold", `${commandLine`predict ${bundle} --params ${out}`} ${fileWord(manifest)}`)}`);
    } finally {
      await learner.dispose();
    }
  },
});

/** What a file of an example is called, for a command to copy. */
const fileWord = ({ input }: Manifest): string => (input.preprocessing?.kind === "image" ? "IMAGE…" : "FILE…");

const stepsFrom = (text: string): number | "auto" =>
  text === "auto"
    ? text
    : (optionValue("steps", { type: "whole", what: "steps", least: 0, most: 1000 }, text) as number);

/** The losses in words: what the steps brought, what was taken back, and what a person should know of it. */
function whatWasDone(
  losses: readonly number[],
  { kept, refused = 0 }: Partial<Adaptation> = {},
  classes = 0,
): string[] {
  const [before = Number.NaN, after = Number.NaN] = [losses[0], losses.at(-1)];
  const steps = losses.length - 1;
  const guessing = Math.log(classes);
  const dull =
    classes > 1 && after >= 0.95 * guessing
      ? [
          `this is no better than guessing (${guessing.toFixed(4)}): the bundle cannot tell these examples apart; ` +
            "look at how they were made, and whether they are like what it was trained on",
        ]
      : [];
  if (steps === 0) return [`loss on the examples: ${before.toFixed(4)}, without steps`, ...dull];
  const course = `loss on the examples: ${before.toFixed(4)} before, ${after.toFixed(4)} after ${steps} steps`;
  if (kept === undefined && after > before)
    return [
      course,
      "the steps made it worse, which this bundle's plain loop does not prevent: take fewer steps or a smaller --rate, " +
        "or export a run that was trained with the guarded loop",
      ...dull,
    ];
  if (refused > 0 && kept === 0)
    return [course, "every step made it higher and was taken back: it answers as it did before the steps", ...dull];
  if (refused > 0)
    return [
      course,
      `${refused} of ${steps} steps made it higher and were taken back; what is kept is of step ${kept}`,
      ...dull,
    ];
  return [course, ...dull];
}
