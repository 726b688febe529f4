// `innerloop inspect`: what is in a bundle, a run, an .onnx file or a saved adaptation.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type CheckpointHeader,
  decodeSafetensors,
  InnerloopError,
  preprocessingText,
  sizeOf,
} from "@innerloop/schemas";
import { defineCommand, withoutEffect, wrongCall } from "../call/command.ts";
import { pairsIn } from "../inputs/models.ts";
import { bundleArgument, pathOf, placeAt, shippedBundle, shownPath } from "../inputs/places.ts";
import { mostOfModel, readListed, readManifest, readWithin } from "../inputs/reading.ts";
import { confidenceText } from "../shared/show-export.ts";
import { columns } from "../terminal/layout.ts";
import { clock, kilobytes, percent, print, printJson, resultStyle, tiny } from "../terminal/output.ts";

export const command = defineCommand({
  name: "inspect",
  summary: "show what is in a bundle, a run, an .onnx file, or a file that adapt wrote",
  arguments: [
    {
      ...bundleArgument,
      name: "FILE",
      what: "a bundle's or a run's folder, the name of a bundle that is there from the start, an .onnx or a .safetensors file",
    },
  ],
  options: {
    graph: { type: "switch", what: "the graph of an .onnx file as text" },
    passes: { type: "switch", what: "what each pass of the compiler makes of an .onnx file, in nodes" },
    pass: { type: "text", what: "the graph of an .onnx file before and after one pass of the compiler, by its name" },
    of: {
      type: "text",
      what: "the output of an .onnx file whose gradient is looked at, or what a node makes",
      otherwise: "the first of floats",
    },
    dim: { type: "text", what: "what open sizes of an .onnx file are taken to be, as batch=8", otherwise: "1 each" },
    json: { type: "switch", what: "the same as JSON on stdout" },
  },
  examples: [
    ["inspect bundle/predict.onnx --graph", "one line an operator"],
    ["inspect model.onnx --dim batch=8", "what can be done with it: what gradients reach, memory and time"],
  ],
  async run({ graph = false, passes = false, pass, of, dim, json = false }, args) {
    const [file] = args as [string];
    const found = await look(file, { graph, passes, pass, of, dim });
    if (json) printJson(found.data);
    else print(found.text);
  },
});

/** What is asked for of an .onnx file. */
interface Wanted {
  readonly graph: boolean;
  readonly passes: boolean;
  readonly pass: string | undefined;
  readonly of: string | undefined;
  readonly dim: string | undefined;
}

/** Sizes by their names. */
function numbersIn(dim: string | undefined): Record<string, number> {
  const pairs = Object.entries(dim === undefined ? {} : pairsIn("dim", dim, "sizes, as in batch=8,"));
  return Object.fromEntries(
    pairs.map(([name, text]) => {
      if (/^\d+$/.test(text)) return [name, Number(text)];
      throw wrongCall("bad-option", `--dim is "${dim}"; "${text}" is no size; a whole number was expected.`);
    }),
  );
}

interface Found {
  readonly data: unknown;
  readonly text: string;
}

async function look(given: string, { graph, passes, pass, of, dim }: Wanted): Promise<Found> {
  const file = pathOf(given);
  const place = await placeAt(file);
  const starter = shippedBundle(given);
  if (starter && (place === "nothing" || place === "folder")) return lookAtBundle(starter);
  if (place === "nothing") throw wrongCall("file-missing", `${shownPath(file)} does not exist; check the path.`);
  const onnx = place === "file" && /\.onnx$/i.test(file);
  const [idle] = Object.entries({ graph: graph || undefined, passes: passes || undefined, pass, of, dim }).flatMap(
    ([name, value]) => (value === undefined ? [] : [`--${name}`]),
  );
  if (idle && !onnx) throw withoutEffect(idle, `${file} is no .onnx file`, "name one, as the predict.onnx of a bundle");
  if (place === "bundle") return lookAtBundle(file);
  if (place === "run") return lookAtRun(file);
  if (onnx) {
    const { inspectOnnx } = await import("../shared/inspect-onnx.ts");
    return inspectOnnx(file, new Uint8Array(await read(file)), { graph, passes, pass, of, sizes: numbersIn(dim) });
  }
  if (place === "file" && /\.safetensors$/i.test(file)) return lookAtTensors(file);
  throw wrongCall(
    "unknown-file",
    `${file} is neither a bundle (manifest.json), a run (checkpoint.safetensors), an .onnx nor a .safetensors file; check the path.`,
  );
}

const heading = (text: string): string => resultStyle("bold", text);
const shapeText = (shape: readonly (number | string)[]): string => `[${shape.join(", ")}]`;

async function lookAtBundle(folder: string): Promise<Found> {
  const manifest = await readManifest(folder);
  const files = await Promise.all(
    Object.entries(manifest.files).map(async ([name, { sha256, bytes }]) => {
      const found = await readListed(join(folder, name), bytes);
      const actual = found && createHash("sha256").update(found).digest("hex");
      return { name, bytes, state: found === undefined ? "missing" : actual === sha256 ? "intact" : "altered" };
    }),
  );
  const { name, task, input, output, innerLoop, parameters, verification, training = {}, metrics, producer } = manifest;
  const { created, opset, irVersion, labels, confidence } = manifest;
  const classes = output.ways === null ? "any number of classes" : `up to ${output.ways} classes`;
  const lines = [
    heading(`${name}: a bundle for ${task}`),
    columns(
      [
        [
          "takes",
          `float32 ${shapeText(input.shape)}${input.preprocessing ? `, from ${input.preprocessing.kind}s: ${preprocessingText(input.preprocessing)}` : ""}`,
        ],
        ["gives", task === "regression" ? `${output.size} values` : classes],
        ...(labels ? [["labels", labels.join(", ")]] : []),
        [
          "inner loop",
          `${innerLoop.algorithm}, ${innerLoop.head} head, ${innerLoop.steps} steps${innerLoop.loop ? `, ${innerLoop.loop}` : ""}`,
        ],
        [
          "trained on",
          `${training.data ?? "?"}: ${training.iterations ?? "?"} iterations, seed ${training.seed ?? "?"}`,
        ],
        ["norm", `${training.norm ?? "?"}${training.usesBatchStatistics ? ", with batch statistics" : ""}`],
        [
          "verified",
          `${verification.episodes} episodes against ${verification.engine}, largest difference ${tiny(verification.largestDifference)}`,
        ],
        ...(confidence ? [["confidence", confidenceText(confidence)]] : []),
        ...Object.entries(metrics ?? {}).map(([key, number]) => [key, String(Number(number.toPrecision(5)))]),
        ["written", `${created} by ${producer.name} ${producer.version}; opset ${opset}, IR version ${irVersion}`],
      ],
      { right: false },
    ),
    "",
    heading("files"),
    columns(files.map((file) => [file.name, kilobytes(file.bytes), file.state])),
    "",
    heading("parameters"),
    columns(
      parameters.map((parameter) => [
        parameter.name,
        shapeText(parameter.shape),
        [
          parameter.adapted ? `adapted${rateText(innerLoop.rates[parameter.name])}` : "kept",
          parameter.required ? "made from the examples" : "",
        ]
          .filter(Boolean)
          .join(", "),
      ]),
      { right: false },
    ),
  ];
  return { data: { kind: "bundle", manifest, files }, text: lines.join("\n") };
}

const rateText = (rate: number | undefined): string =>
  rate === undefined ? "" : `, rate ${Number(rate.toPrecision(3))}`;

async function lookAtRun(folder: string): Promise<Found> {
  const { readCheckpoint } = await import("@innerloop/train");
  const { header } = await readCheckpoint(folder);
  const bundle = existsSync(join(folder, "bundle", "manifest.json")) ? join(folder, "bundle") : undefined;
  return { data: { kind: "run", ...header, ...(bundle ? { bundle } : {}) }, text: runText(folder, header, bundle) };
}

function runText(folder: string, header: CheckpointHeader, bundle: string | undefined): string {
  const { config, iteration, elapsedSeconds, best, history, parameters } = header;
  const regression = best !== null && best.score < 0;
  const score = (value: number) => (regression ? `loss ${(-value).toFixed(4)}` : percent(value));
  const weights = parameters.reduce((total, { shape }) => total + sizeOf(shape), 0);
  return [
    heading(`${folder}: a run of ${iteration} iterations in ${clock(elapsedSeconds)}`),
    columns(
      [
        ["data", config.data],
        [
          "task",
          `${config.ways} ways, ${config.shots} shots, ${config.queries} queries; ${config.metaBatch} tasks an iteration`,
        ],
        ["learner", `${config.algorithm}, ${config.head} head, ${config.steps} steps, inner rate ${config.innerRate}`],
        ["model", `${JSON.stringify(config.model)}, ${weights.toLocaleString("en")} parameters`],
        ["optimizer", `${JSON.stringify(config.optimizer)}, ${JSON.stringify(config.schedule)}, clip ${config.clip}`],
        ["best", best === null ? "not validated yet" : `${score(best.score)} after ${best.iteration}`],
        ...(bundle ? [["bundle", bundle]] : []),
      ],
      { right: false },
    ),
    ...(history.length > 0 ? ["", heading("validations")] : []),
    columns(
      history.map((entry) => [
        `after ${entry.iteration}`,
        `loss ${(entry.loss ?? Number.NaN).toFixed(4)}`,
        regression ? "" : percent(entry.score ?? Number.NaN),
        clock(entry.elapsedSeconds ?? 0),
      ]),
    ),
  ].join("\n");
}

/** @throws InnerloopError `file-unreadable`. */
function read(file: string): Promise<Buffer> {
  return readWithin(file, mostOfModel).catch((cause: Error) => {
    throw new InnerloopError("file-unreadable", `${file} cannot be read (${cause.message}).`, { cause });
  });
}

async function lookAtTensors(file: string): Promise<Found> {
  const { tensors, metadata } = decodeSafetensors(await read(file), file);
  const entries = Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const about = Object.entries(metadata).map(([key, text]) => [key, text.length > 80 ? `${text.slice(0, 79)}…` : text]);
  const text = [
    heading(`${file}: ${entries.length} arrays`),
    ...(about.length > 0 ? [columns(about, { right: false }), ""] : []),
    columns(
      entries.map(({ name, dtype, shape }) => [name, `${dtype} ${shapeText(shape)}`]),
      { right: false },
    ),
  ].join("\n");
  return { data: { kind: "safetensors", metadata, tensors: entries }, text };
}
