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
import type { onnx } from "@innerloop/schemas/onnx";
import { defineCommand, withoutEffect, wrongCall } from "../call/command.ts";
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
    json: { type: "switch", what: "the same as JSON on stdout" },
  },
  examples: [["inspect bundle/predict.onnx --graph", "one line an operator"]],
  async run({ graph = false, json = false }, args) {
    const [file] = args as [string];
    const found = await look(file, graph);
    if (json) printJson(found.data);
    else print(found.text);
  },
});

interface Found {
  readonly data: unknown;
  readonly text: string;
}

async function look(given: string, graph: boolean): Promise<Found> {
  const file = pathOf(given);
  const place = await placeAt(file);
  const starter = shippedBundle(given);
  if (starter && (place === "nothing" || place === "folder")) return lookAtBundle(starter);
  if (place === "nothing") throw wrongCall("file-missing", `${shownPath(file)} does not exist; check the path.`);
  const onnx = place === "file" && /\.onnx$/i.test(file);
  if (graph && !onnx)
    throw withoutEffect("--graph", `${file} is no .onnx file`, "name one, as the predict.onnx of a bundle");
  if (place === "bundle") return lookAtBundle(file);
  if (place === "run") return lookAtRun(file);
  if (onnx) return lookAtOnnx(file, graph);
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

async function lookAtOnnx(file: string, graph: boolean): Promise<Found> {
  const { decodeModel, onnx: format } = await import("@innerloop/schemas/onnx");
  const bytes = new Uint8Array(await read(file));
  const model = decodeModel(bytes, file);
  const { graph: body } = model as unknown as { graph: onnx.GraphProto };
  const initialized = new Map((body.initializer ?? []).map((tensor) => [tensor.name ?? "", tensor]));
  const typeText = (value: onnx.IValueInfoProto): string => {
    const tensor = value.type?.tensorType;
    const dims = (tensor?.shape?.dim ?? []).map((dim) => dim.dimParam || Number(dim.dimValue));
    const name = format.TensorProto.DataType[tensor?.elemType ?? 0] ?? "?";
    return `${name.toLowerCase()} ${shapeText(dims)}`;
  };
  const inputs = (body.input ?? []).map((info) => ({
    name: info.name ?? "",
    type: typeText(info),
    optional: initialized.has(info.name ?? ""),
  }));
  const outputs = (body.output ?? []).map((info) => ({ name: info.name ?? "", type: typeText(info) }));
  const operators = countOperators(body);
  const numbers = [...initialized.values()].reduce(
    (total, { dims }) => total + (dims ?? []).reduce<number>((a, b) => a * Number(b), 1),
    0,
  );
  const opsets = Object.fromEntries(
    (model.opsetImport ?? []).map((imported) => [imported.domain || "ai.onnx", Number(imported.version)]),
  );
  const metadata = Object.fromEntries((model.metadataProps ?? []).map((entry) => [entry.key ?? "", entry.value ?? ""]));
  const data = {
    kind: "onnx",
    irVersion: Number(model.irVersion),
    opsets,
    producer: `${model.producerName ?? ""} ${model.producerVersion ?? ""}`.trim(),
    inputs,
    outputs,
    operators,
    initializers: { count: initialized.size, numbers },
    metadata,
  };
  const lines = [
    heading(`${file}: ${body.name || "a model"}, ${kilobytes(bytes.length)}`),
    `  ${Object.entries(opsets)
      .map(([domain, opset]) => `${domain} ${opset}`)
      .join(", ")}, IR version ${data.irVersion}${data.producer ? `, by ${data.producer}` : ""}`,
    "",
    heading("inputs"),
    columns(
      inputs.map((port) => [port.name, port.type, port.optional ? "optional" : ""]),
      { right: false },
    ),
    "",
    heading("outputs"),
    columns(
      outputs.map((port) => [port.name, port.type]),
      { right: false },
    ),
    "",
    heading(`${Object.values(operators).reduce((a, b) => a + b, 0)} operators`),
    `  ${Object.entries(operators)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ")}`,
    "",
    heading("initializers"),
    `  ${initialized.size} arrays, ${numbers.toLocaleString("en")} numbers`,
    ...(Object.keys(metadata).length > 0 ? ["", heading("metadata")] : []),
    columns(
      Object.entries(metadata).map(([key, text]) => [key, text.length > 80 ? `${text.slice(0, 79)}…` : text]),
      { right: false },
    ),
  ];
  if (graph) {
    const { print: printGraph, readOnnx } = await import("@innerloop/graph");
    const read = readOnnx(bytes, file);
    const text = printGraph(Object.values(read.outputs));
    return { data: { ...data, graph: text }, text: [...lines, "", heading("graph"), text.trimEnd()].join("\n") };
  }
  return { data, text: lines.join("\n").trimEnd() };
}

/** How often each operator occurs, in bodies of Loop and the like too; the most frequent first. */
function countOperators(graph: onnx.IGraphProto): Record<string, number> {
  const counts = new Map<string, number>();
  const visit = ({ node = [] }: onnx.IGraphProto): void => {
    for (const { opType, attribute } of node ?? []) {
      counts.set(opType ?? "", (counts.get(opType ?? "") ?? 0) + 1);
      for (const { g } of attribute ?? []) if (g) visit(g);
    }
  };
  visit(graph);
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)));
}
