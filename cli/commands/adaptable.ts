// `innerloop adaptable`: an ONNX model becomes a bundle, to adapt on a device.
import { basename } from "node:path";
import type { Encoder } from "@innerloop/export";
import { defineCommand, needed, wrongCall } from "../call/command.ts";
import { readFileOf, readModel } from "../inputs/models.ts";
import { numbersFrom, pairsFrom } from "../inputs/pairs.ts";
import {
  checkEncoderTraining,
  type EncoderTrainingGiven,
  encoderTrainingOptions,
  trainShown,
} from "../shared/encoder-training.ts";
import { innerLoopOf, lossWords, wordsOf } from "../shared/inner-loop-options.ts";
import { columns } from "../terminal/layout.ts";
import {
  commandLine,
  kilobytes,
  percent,
  print,
  printJson,
  resultStyle,
  say,
  style,
  tiny,
} from "../terminal/output.ts";

export const command = defineCommand({
  name: "adaptable",
  summary: "make a bundle of an ONNX model from anywhere, to adapt on a device",
  arguments: [{ name: "MODEL", what: "an .onnx file, from PyTorch or anywhere" }],
  options: {
    out: { type: "text", what: "folder of the bundle", completes: "paths" },
    head: {
      type: "text",
      what: "any: any number of classes, by a regression on the embedding; means: by their means; ways:N: a fresh classifier; keep: the model's own outputs",
      otherwise: "any",
      completes: { words: ["any", "means", "keep", "ways:5"] },
    },
    train: {
      type: "text",
      what: "what moves besides a fresh head: head (nothing else), all, bias, norm, lora:R (factors of rank R beside weights), a /pattern/ of names, or several with commas",
      otherwise: "head",
      completes: { words: ["head", "all", "bias", "norm", "lora:8"] },
    },
    "lora-on": { type: "text", what: "of lora:R: a /pattern/ of the weights that get factors", otherwise: "every one" },
    alpha: {
      type: "number",
      least: 0,
      what: "of lora:R: what the factors' product is multiplied by, times R",
      otherwise: "R",
    },
    loss: {
      type: "text",
      what: `${lossWords.join(", ")}, or an .onnx file that takes outputs and targets`,
      otherwise: "cross-entropy",
      completes: { words: lossWords, paths: true },
      group: "The inner loop",
    },
    "loss-settings": {
      type: "text",
      what: "as smoothing=0.1, delta=1 or margin=1",
      group: "The inner loop",
    },
    "class-weights": {
      type: "text",
      what: "of cross-entropy: what each class weighs, with commas",
      group: "The inner loop",
    },
    optimizer: {
      type: "text",
      what: "how weights move",
      choices: ["sgd", "momentum", "adam", "adamw"],
      otherwise: "adam, for a head alone sgd",
      group: "The inner loop",
    },
    steps: {
      type: "whole",
      least: 0,
      most: 1000,
      what: "steps of an adaptation",
      otherwise: "10, of ways:N alone 20",
      group: "The inner loop",
    },
    rate: {
      type: "text",
      what: "rate of what moves in the model, or rates by patterns, as 0.001 or /norm/=0.01,/./=0.001",
      otherwise: "0.001, of sgd and momentum 0.01",
      group: "The inner loop",
    },
    "head-rate": {
      type: "number",
      least: 0,
      what: "rate of a fresh head",
      otherwise: "1, of ways:N 0.4, with an optimizer 0.01",
      group: "The inner loop",
    },
    decay: { type: "number", least: 0, what: "weight decay", otherwise: "of adamw 0.01", group: "The inner loop" },
    momentum: { type: "number", least: 0, most: 1, what: "of momentum", otherwise: "0.9", group: "The inner loop" },
    clip: { type: "number", least: 0, what: "largest norm of all gradients together", group: "The inner loop" },
    batch: { type: "whole", least: 1, what: "examples that a step goes by", otherwise: "all", group: "The inner loop" },
    "stop-loss": { type: "number", least: 0, what: "loss at which it ends", group: "The inner loop" },
    patience: {
      type: "whole",
      least: 1,
      what: "steps in a row that may keep nothing before it ends",
      group: "The inner loop",
    },
    recompute: {
      type: "text",
      what: "a step computes parts of the model again in the place of keeping them, for less memory and up to half more time: as few as it takes to keep so many MiB at most; least, or alone: to keep little; auto: where it would keep an eighth of this machine's memory",
      alone: { means: "least", before: /\.onnx$/i },
      otherwise: "none",
      completes: { words: ["least", "auto", "none"] },
      group: "The inner loop",
    },
    embedding: { type: "text", what: "tensor that features come from", otherwise: "found", group: "The model" },
    input: { type: "text", what: "input that takes an example", otherwise: "found", group: "The model" },
    size: { type: "text", what: "sizes that the file leaves open, as sequence=64,height=224", group: "The model" },
    set: { type: "text", what: "one number for all of a further input, as sr=16000,state=0", group: "The model" },
    labels: { type: "text", what: "of head keep: names of the model's classes, with commas", group: "The model" },
    kind: {
      type: "text",
      what: "what an example is; tokens are seen by themselves, but that they are the bytes of a file",
      choices: ["picture", "sound", "numbers", "bytes"],
      otherwise: "by the model's shapes",
      group: "Raw input",
    },
    mean: {
      type: "text",
      what: "of pictures with values from 0 to 1: taken from each channel, as 0.485,0.456,0.406",
      group: "Raw input",
    },
    std: { type: "text", what: "what they are divided by, as 0.229,0.224,0.225", group: "Raw input" },
    "sample-rate": { type: "number", least: 1, what: "of sounds: samples a second", group: "Raw input" },
    last: {
      type: "whole",
      least: 0,
      what: "of bytes: how many of an example are the last ones of a file",
      otherwise: "0",
      group: "Raw input",
    },
    trim: {
      type: "whole",
      least: 1,
      what: "of bytes: blanks are taken off both ends of a file, within so many bytes of each",
      group: "Raw input",
    },
    tokenizer: {
      type: "text",
      what: "of texts: the tokenizer.json that belongs to the model, so that the bundle takes texts",
      completes: "paths",
      group: "Raw input",
    },
    padding: {
      type: "whole",
      least: 0,
      what: "of tokens and bytes: the number that fills up what is short",
      otherwise: "the tokenizer's, or 0",
      group: "Raw input",
    },
    ...encoderTrainingOptions,
    json: { type: "switch", what: "the manifest and what was found as JSON on stdout" },
  },
  notes: async () => [
    "What an example is (a picture, tokens, a row of numbers) and which tensor is the embedding are found and said. Nothing is written before the bundle was compared with the file itself on ONNX Runtime.",
  ],
  examples: [
    ["adaptable encoder.onnx --out bundle", "any number of classes, on its embedding"],
    [
      "adaptable resnet18.onnx --head ways:5 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --out bundle",
      "a fresh classifier",
    ],
    [
      "adaptable encoder.onnx --tokenizer tokenizer.json --data texts:tickets.csv --out bundle",
      "a learner on its embeddings of texts",
    ],
    ["adaptable text.onnx --train lora:8 --size sequence=64 --out bundle", "factors beside its weights move as well"],
  ],
  async run(options, args) {
    const [file] = args as [string];
    const out = needed(options.out, "adaptable", "out", "the folder of the bundle");
    checkEncoderTraining(options);
    const { bytes, files } = await readModel(file);
    const { mean, std, kind, head, embedding, input, padding } = options;
    const raw = {
      ...(kind === undefined ? {} : { kind: kind as "picture" | "sound" | "numbers" | "bytes" }),
      ...(mean === undefined ? {} : { mean: numbersFrom("mean", mean) }),
      ...(std === undefined ? {} : { std: numbersFrom("std", std, 0) }),
      ...(options["sample-rate"] === undefined ? {} : { rate: options["sample-rate"] }),
      ...(options.last === undefined ? {} : { last: options.last }),
      ...(options.trim === undefined ? {} : { trim: options.trim }),
    };
    if (kind !== "bytes" && (options.last !== undefined || options.trim !== undefined))
      throw wrongCall("no-effect", "--last and --trim are of files as bytes; give --kind bytes as well.");
    if (options.labels !== undefined && head !== "keep")
      throw wrongCall("no-effect", "--labels are those of the model's own classes; give --head keep as well.");
    const tokenizer = options.tokenizer === undefined ? undefined : await readTokenizer(options.tokenizer);
    const reading = {
      raw,
      files,
      ...(embedding === undefined ? {} : { embedding }),
      ...(input === undefined ? {} : { input }),
      ...(padding === undefined ? {} : { padding }),
      ...(tokenizer === undefined ? {} : { tokenizer }),
      ...(options.size === undefined ? {} : { sizes: pairsFrom("size", options.size) }),
      ...(options.set === undefined ? {} : { set: pairsFrom("set", options.set) }),
    };
    const { exportAdaptable, openEncoder } = await import("@innerloop/export");
    if (options.data !== undefined) {
      const encoder = await openEncoder(bytes, basename(file), reading);
      try {
        await describeTrained(encoder, options.data, out, options);
      } finally {
        await encoder.dispose();
      }
      return;
    }
    const { manifest, notes, moved, size } = await exportAdaptable(bytes, {
      ...reading,
      out,
      name: basename(file),
      ...(head === undefined ? {} : { head }),
      ...(options.train === undefined ? {} : { train: wordsOf(options.train) }),
      ...(await innerLoopOf(options)),
      ...(options.labels === undefined ? {} : { labels: options.labels.split(",").map((label) => label.trim()) }),
    });
    if (options.json) {
      printJson({ bundle: out, notes, moved, size, manifest });
      return;
    }
    for (const note of notes) say(`${style("dim", "found")} ${note}`);
    const { episodes, largestDifference, engine } = manifest.verification;
    const weights =
      moved === 0
        ? "none of the model's weights move"
        : `${moved.toLocaleString("en")} of the model's weights move (${percent(moved / size)})`;
    print(`${resultStyle("bold", out)}: ${weights}; ${classesText(manifest.output.ways, manifest.task)}`);
    print(
      `  the same numbers as the file on ONNX Runtime; largest difference ${tiny(largestDifference)} on ${episodes} episodes against ${engine}`,
    );
    print(columns(Object.entries(manifest.files).map(([name, { bytes: length }]) => [name, kilobytes(length)])));
    say(`Next: ${style("bold", commandLine`adapt ${out} --support EXAMPLES --out mine.safetensors`)}`);
  },
});

/** Trains on the embeddings of data, and says what came of it. */
async function describeTrained(
  encoder: Encoder,
  data: string,
  out: string,
  options: EncoderTrainingGiven & { readonly json?: boolean },
): Promise<void> {
  for (const note of options.json ? [] : encoder.notes) say(`${style("dim", "found")} ${note}`);
  const { manifest, run } = await trainShown(encoder, data, out, options);
  const { best, history, iteration } = run.header;
  if (options.json) {
    printJson({ bundle: out, notes: encoder.notes, iterations: iteration, best, history, manifest });
    return;
  }
  const [start] = history;
  const before = start?.iteration === 0 ? `; before training ${percent(start.score ?? Number.NaN)}` : "";
  print(
    `${resultStyle("bold", out)}: ${iteration} iterations on ${encoder.width} features of each example; accuracy ${percent(best?.score ?? Number.NaN)} on held-back classes${before}`,
  );
  print(columns(Object.entries(manifest.files).map(([name, { bytes }]) => [name, kilobytes(bytes)])));
  say(`Next: ${style("bold", commandLine`eval ${out} --data ${data}`)}`);
}

/** @throws InnerloopError `file-missing` (status 2), `file-unreadable`; `too-large` for one that no manifest may hold */
async function readTokenizer(given: string): Promise<string> {
  const { bytes, path } = await readFileOf(given, "a tokenizer.json");
  if (bytes.length <= mostOfTokenizer) return new TextDecoder().decode(bytes);
  throw wrongCall(
    "too-large",
    `${path} has ${bytes.length} bytes; a tokenizer of at most ${mostOfTokenizer} is kept in a bundle.`,
  );
}

/** Half of what a manifest may have. */
const mostOfTokenizer = 2 ** 23;

const classesText = (ways: number | null, task: string): string =>
  task === "regression" ? "it gives values" : ways === null ? "any number of classes" : `up to ${ways} classes`;
