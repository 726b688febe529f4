// `innerloop data`: what there is to know of data before one trains on them.
import { extname } from "node:path";
import { starterBundles } from "@innerloop/bundles";
import type { DataReport, DescribedData, DescribeOptions } from "@innerloop/measure";
import { shellWord } from "@innerloop/runtime/files";
import { InnerloopError, type RunConfigInput } from "@innerloop/schemas";
import { defineCommand, withoutEffect, wrongCall } from "../call/command.ts";
import { interruptible } from "../call/interrupt.ts";
import { checkFlags, configFromFlags, exampleOptions } from "../inputs/config-flags.ts";
import { dataSpecs } from "../inputs/data-specs.ts";
import { bundleAt } from "../inputs/places.ts";
import { readManifest } from "../inputs/reading.ts";
import { tryOut } from "../inputs/try-out.ts";
import { describeReport } from "../shared/data-text.ts";
import { print, printJson, resultStyle, startProgress } from "../terminal/output.ts";

export const command = defineCommand({
  name: "data",
  summary:
    "look at data before you train on them: what is there and what is left out, the split, what an example looks like, and what to train with",
  async notes() {
    const { readers } = await import("@innerloop/train");
    return [
      { title: "Data", rows: readers.all.map(({ spec, summary }) => [spec, summary]) },
      "A folder or file without the word before the colon goes through the door that takes most of the files there. Of many files " +
        "some are read, the same ones every time; all are counted.",
    ];
  },
  arguments: [
    { name: "DATA", what: "a SPEC of data, or a folder or file", completes: { words: dataSpecs, paths: true } },
  ],
  options: {
    sheet: {
      type: "text",
      what: "file for a picture of examples as a model is given them, a row a class: .png or .svg",
      completes: "paths",
    },
    from: {
      type: "text",
      what: "bundle whose preprocessing makes the examples, as training from it does",
      completes: { words: starterBundles.map(({ name }) => name), paths: true },
    },
    ...exampleOptions,
    json: { type: "switch", what: "the report as JSON on stdout" },
  },
  examples: [
    ["data photos --sheet photos.png", "one sub-folder a class; what its files are is found out"],
    ["data images:photos --size 64 --channels 3", "how they would be at another size"],
    ["data images:signs --from drawings", "how they would be for a bundle that was trained on others"],
  ],
  async run(options, args) {
    const [place] = args as [string];
    const { sheet, json = false, from, ...flags } = options;
    if (sheet !== undefined) await checkSheet(sheet);
    const given = configFromFlags(flags);
    const described = await look(place, {
      ...(given.examples === undefined ? {} : { examples: given.examples }),
      ...(from === undefined ? {} : await madeAs(from, given.examples)),
    });
    const { report } = described;
    const { completed } = await import("@innerloop/train");
    checkFlags(completed({ ...given, data: report.spec }), given);
    const drawn = sheet === undefined ? undefined : await drawSheet(described, sheet);
    if (json) printJson(report);
    else {
      print(describeReport(report, { starter: from ?? (await starterFor(report)), given: flagsIn(flags) }));
      if (drawn !== undefined) print(`${resultStyle("bold", drawn)}: examples as a model is given them`);
    }
    if (report.problem) {
      const { code, message, exitStatus } = report.problem;
      throw new InnerloopError(code, message, { exitStatus });
    }
  },
});

/** Flags as they are written in a call. */
const flagsIn = (given: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(given).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (typeof value === "boolean") return [`--${value ? "" : "no-"}${name}`];
    return [`--${name} ${shellWord(String(value))}`];
  });

/** A bundle that ships with the packages and takes such examples, whatever their size. */
async function starterFor({ preprocessing: how }: DataReport): Promise<string | undefined> {
  for (const { name, folder } of starterBundles) {
    const its = (await readManifest(folder)).input.preprocessing;
    if (its === undefined || its.kind !== how?.kind) continue;
    if (its.kind !== "window" || how.kind !== "window" || its.channels === how.channels) return name;
  }
  return undefined;
}

/** How examples are made for a bundle. @throws InnerloopError `bundle-missing`, `from-contradiction` (status 2) */
async function madeAs(from: string, examples: RunConfigInput["examples"]): Promise<DescribeOptions> {
  const { preprocessingFrom } = await import("@innerloop/train");
  const manifest = await readManifest(await bundleAt(from));
  const preprocessing = preprocessingFrom({ manifest }, examples);
  const { content } = manifest.input;
  return { ...(preprocessing ? { preprocessing } : {}), ...(content ? { like: content } : {}) };
}

/** @throws InnerloopError what `describeData` throws; Interrupted where a signal stopped it */
async function look(place: string, options: DescribeOptions): Promise<DescribedData> {
  const { describeData } = await import("@innerloop/measure");
  const work = async (signal: AbortSignal): Promise<DescribedData> => {
    const progress = await startProgress("   looking");
    try {
      progress.update(0, place);
      return await describeData(place, {
        ...options,
        signal,
        onRead: (done, all) => progress.update(done / all, `${done}/${all} read`),
      });
    } finally {
      progress.stop();
    }
  };
  return interruptible("Stopping.", work, () => "Stopped before all was looked at; nothing is reported.");
}

/** @throws InnerloopError `bad-option` (status 2) for another format; `write-failed` */
async function checkSheet(file: string): Promise<void> {
  if (!/\.(png|svg)$/i.test(file))
    throw wrongCall("bad-option", `--sheet is "${file}"; a file ending in .png or .svg was expected.`);
  await tryOut(file);
}

/** @returns the file; nothing where a problem leaves nothing to draw */
async function drawSheet({ report, sheet }: DescribedData, file: string): Promise<string | undefined> {
  if (report.problem) return undefined;
  const svg = await sheet();
  if (svg === undefined)
    throw withoutEffect(
      "--sheet",
      `examples of ${report.spec} have the shape [${report.shape.join(", ")}], which has no picture`,
    );
  const [{ replaceFile }, { rasterized }] = await Promise.all([
    import("@innerloop/train"),
    import("@innerloop/measure"),
  ]);
  const bytes = extname(file).toLowerCase() === ".svg" ? new TextEncoder().encode(svg) : await rasterized(svg);
  await replaceFile(file, bytes);
  return file;
}
