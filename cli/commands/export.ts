// `innerloop export`: a run becomes a bundle of plain ONNX, verified by running it.
import { join } from "node:path";
import { defineCommand, withoutEffect, wrongCall } from "../call/command.ts";
import { dataSpecs } from "../inputs/data-specs.ts";
import { runAt } from "../inputs/places.ts";
import { confidenceText, showExport } from "../shared/show-export.ts";
import { columns } from "../terminal/layout.ts";
import { commandLine, kilobytes, print, printJson, resultStyle, say, style, tiny } from "../terminal/output.ts";

export const command = defineCommand({
  name: "export",
  summary: "write a run's best weights as a bundle of plain ONNX, verified against the engine that trained them",
  arguments: [{ name: "RUN", what: "the folder that train wrote" }],
  options: {
    out: { type: "text", what: "folder of the bundle", completes: "paths", otherwise: "RUN/bundle" },
    data: {
      type: "text",
      what: "SPEC of the data, where they are not where the run had them",
      completes: { words: dataSpecs },
    },
    variant: {
      type: "text",
      what: "providers that get an adapt.onnx of their own beside the one for all, as cuda,webgpu",
      completes: { words: ["cuda", "webgpu", "dml"] },
    },
    "false-accepts": {
      type: "number",
      least: 0.0001,
      what: 'share of examples of other classes that "none of these" may let pass',
      otherwise: "0.05",
    },
    calibrate: {
      type: "switch",
      what: "fit confidence on held-back classes, unless --no-calibrate",
    },
    json: { type: "switch", what: "the manifest as JSON on stdout" },
  },
  examples: [
    ["export runs/quickstart-1", "writes runs/quickstart-1/bundle"],
    ["export runs/quickstart-1 --variant webgpu", "with an adapt.onnx for WebGPU besides"],
  ],
  async run(options, args) {
    const [given] = args as [string];
    const run = await runAt(given);
    const out = options.out ?? join(run, "bundle");
    const falseAccepts = options["false-accepts"];
    if (falseAccepts !== undefined && falseAccepts >= 1)
      throw wrongCall(
        "bad-option",
        `--false-accepts is ${falseAccepts}; a share above 0 and below 1 was expected; 0.05 is usual.`,
      );
    if (falseAccepts !== undefined && options.calibrate === false)
      throw withoutEffect("--false-accepts", "nothing is calibrated", "leave out --no-calibrate");
    const [{ openRun }, { placeFor }] = await Promise.all([import("@innerloop/train"), import("@innerloop/export")]);
    await placeFor(out);
    const opened = await openRun(run, options.data === undefined ? {} : { data: options.data });
    if (Object.keys(opened.weights).length === 0)
      throw wrongCall(
        "run-empty",
        `${run} holds no weights yet; train it first: ${commandLine`train --resume --out ${run}`}.`,
      );
    const { tasks } = opened;
    for (const name of ["false-accepts", "calibrate"] as const)
      if (options[name] !== undefined && options[name] !== false && tasks.kind === "regression")
        throw withoutEffect(`--${name}`, `${tasks.name} is a regression, which has no confidence`);
    say(`${style("dim", "export")} the best weights of ${run}, then run the files and compare`);
    const manifest = await showExport(opened, out, {
      ...(options.calibrate === undefined ? {} : { calibrate: options.calibrate }),
      ...(falseAccepts === undefined ? {} : { falseAccepts }),
      ...(options.variant === undefined ? {} : { variants: options.variant.split(",").map((name) => name.trim()) }),
    });
    if (options.json) {
      printJson({ bundle: out, manifest });
      return;
    }
    const { episodes, largestDifference, engine } = manifest.verification;
    print(`${resultStyle("bold", out)}: verified on ${episodes} fresh episodes against ${engine}`);
    print(`  largest difference ${tiny(largestDifference)} of an output's largest entry`);
    if (manifest.confidence) print(`  ${confidenceText(manifest.confidence)}`);
    print(columns(Object.entries(manifest.files).map(([name, { bytes }]) => [name, kilobytes(bytes)])));
    print(`Next: ${style("bold", commandLine`eval ${out}`)}`);
  },
});
