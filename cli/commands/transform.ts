// `innerloop transform`: the mathematics of a model as another model: derivatives of any order, many at once, sizes filled in.
import { resolve } from "node:path";
import type { Dim, Model, transform } from "@innerloop/graph";
import {
  defineCommand,
  didYouMean,
  type Given,
  needed,
  type Option,
  short,
  withoutEffect,
  wrongCall,
} from "../call/command.ts";
import { namesIn, openModel, pairsIn, patternIn } from "../inputs/models.ts";
import { pathOf, placeAt, shownPath } from "../inputs/places.ts";
import { columns } from "../terminal/layout.ts";
import { kilobytes, print, printJson, resultStyle } from "../terminal/output.ts";
import { version } from "../version.ts";

const options = {
  of: {
    type: "text",
    what: "the output that is differentiated, or the name of anything that a node makes",
    otherwise: "the only one",
  },
  wrt: {
    type: "text",
    what: "what it is differentiated by, as x,w1: inputs, weights, or what nodes make; a pattern between slashes is every input and weight that it fits and that derivatives reach",
  },
  reduce: { type: "text", choices: ["sum", "mean"], what: "one number of an output of many, where one is needed" },
  mode: {
    type: "text",
    choices: ["forward", "reverse"],
    what: "how a Jacobian is computed",
    otherwise: "whatever takes fewer walks",
  },
  also: { type: "text", what: "what else the file gives, as maps,logits: outputs, or what nodes make" },
  overridable: { type: "switch", what: "the weights of --wrt may be given as inputs, too" },
  zeros: { type: "switch", what: "zeros for what no derivative reaches, instead of an error" },
  axis: { type: "text", what: "the inputs that vmap gives an axis, and where, as x=0,mask=-1" },
  size: { type: "text", what: "how long that axis is: a number, or a name where it is open", otherwise: "mapped" },
  dim: { type: "text", what: "the open sizes that specialize fills in, as batch=1,time=128" },
  opset: { type: "whole", least: 17, what: "the opset of the file", otherwise: "the model's, 18 at least" },
  out: { type: "text", what: "the file that is written", completes: "paths" },
  json: { type: "switch", what: "what was written as JSON on stdout" },
} as const satisfies Readonly<Record<string, Option>>;

type Options = Given<typeof options>;
type Transforms = typeof transform;

/** One of the transforms: what it is for, the options that it goes by, and the work. */
interface Entry {
  readonly what: string;
  readonly takes: readonly (keyof Options)[];
  apply(by: Transforms, model: Model, options: Options): Model;
}

const any = ["of", "wrt", "also", "overridable", "zeros"] as const;
const scalar = [...any, "reduce"] as const;

/** One that differentiates: it takes what is differentiated, and by what. */
const differentiating = (
  name: "grad" | "valueAndGrad" | "vjp" | "jvp" | "jacobian" | "hvp",
  what: string,
  takes: Entry["takes"],
): Entry => ({ what, takes, apply: (by, model, given) => by[name](model, derivative(by, model, given)) });

const entries: ReadonlyMap<string, Entry> = new Map<string, Entry>([
  ["grad", differentiating("grad", "the gradient of one number: an output grad/NAME for each NAME of --wrt", scalar)],
  ["value-and-grad", differentiating("valueAndGrad", "the same, and the number under its own name", scalar)],
  ["vjp", differentiating("vjp", "a vector times the Jacobian: takes cotangent/OF, gives OF and vjp/NAME", any)],
  ["jvp", differentiating("jvp", "the Jacobian times vectors: takes tangent/NAME, gives OF and jvp/OF", any)],
  [
    "jacobian",
    differentiating("jacobian", "every number by every number: jacobian/NAME of the shape [...OF, ...NAME]", [
      ...any,
      "mode",
    ]),
  ],
  ["hvp", differentiating("hvp", "the Hessian of one number times vectors: takes vector/NAME, gives hvp/NAME", scalar)],
  [
    "vmap",
    {
      what: "the model of many at once: a new axis in the inputs of --axis, and in front of every output",
      takes: ["axis", "size"],
      apply(by, model, { axis, size }) {
        const given = needed(axis, "transform", "axis", "the inputs that get an axis, as x=0");
        return by.vmap(model, { axes: axesIn(given), ...(size === undefined ? {} : { size: sizeIn(size) }) });
      },
    },
  ],
  [
    "specialize",
    {
      what: "open sizes as numbers, or under other names",
      takes: ["dim"],
      apply(by, model, { dim }) {
        const open = by.openSizes(model);
        const there = open.length > 0 ? `the model has ${open.join(", ")}` : "the model has none";
        const given = needed(dim, "transform", "dim", `open sizes and what they are, as batch=1 (${there})`);
        return by.specialize(model, sizesIn(given));
      },
    },
  ],
]);

export const command = defineCommand({
  name: "transform",
  summary: "write the derivatives of a model, or the model of many at once, as another model of plain ONNX",
  arguments: [
    { name: "MODEL", what: "an .onnx file" },
    { name: "TRANSFORM", what: "one of those below", completes: { words: [...entries.keys()] } },
  ],
  options,
  examples: [
    ["transform energy.onnx grad --of energy --wrt positions --out forces.onnx", "an output grad/positions"],
    ["transform model.onnx vmap --axis x=0 --out many.onnx", "one more axis, of any size"],
  ],
  notes: async () => [
    { title: "Transforms", rows: [...entries].map(([name, { what }]) => [name, what] as const) },
    "What is written is a model again: give it to transform once more for second derivatives, the gradients of many, and so on. Weights stay " +
      "inside as constants.",
  ],
  async run(given, args) {
    const [file, name] = args as [string, string];
    const entry = entries.get(name);
    if (!entry)
      throw wrongCall(
        "unknown-transform",
        `There is no transform "${short(name)}"${didYouMean(name, [...entries.keys()]) || "."} Transforms: ${[...entries.keys()].join(", ")}.`,
      );
    const idle = (Object.keys(given) as (keyof Options)[]).find(
      (option) => !["opset", "out", "json", ...entry.takes].includes(option),
    );
    if (idle) throw withoutEffect(`--${idle}`, `${name} takes ${entry.takes.map((taken) => `--${taken}`).join(", ")}`);
    const out = await outputFile(file, given.out);
    const model = await openModel(file);
    const { writableOpsets, transform: by, writeModel } = await import("@innerloop/graph");
    const opset = given.opset ?? Math.min(Math.max(model.opset, 18), writableOpsets.newest);
    if (opset > writableOpsets.newest)
      throw wrongCall("bad-option", `--opset is ${opset}; opsets up to ${writableOpsets.newest} are written.`);
    const made = entry.apply(by, model, given);
    const overridable = given.overridable ? wrtOf(by, model, given) : [];
    const bytes = writeModel(made, { opset, overridable, producer: { name: "innerloop", version } });
    const { replaceFile } = await import("@innerloop/runtime/files");
    await replaceFile(out, bytes);
    show(made, out, bytes.length, opset, given.json === true);
  },
});

/** @throws InnerloopError (status 2) for a place where no file can be, and for the model itself */
async function outputFile(model: string, given: string | undefined): Promise<string> {
  const out = pathOf(needed(given, "transform", "out", "the file that is written, as grad.onnx"));
  const place = await placeAt(out);
  if (place !== "file" && place !== "nothing")
    throw wrongCall("bad-option", `--out is ${shownPath(out)}, which is a folder; the name of a file was expected.`);
  if (resolve(out) === resolve(pathOf(model)))
    throw wrongCall("bad-option", `--out is ${shownPath(out)}, the model itself; give another name.`);
  return out;
}

const derivative = (by: Transforms, model: Model, given: Options) => ({
  ...(given.of === undefined ? {} : { of: given.of }),
  ...(given.reduce === undefined ? {} : { reduce: given.reduce as "sum" | "mean" }),
  ...(given.mode === undefined ? {} : { mode: given.mode as "forward" | "reverse" }),
  ...(given.also === undefined ? {} : { also: namesIn("also", given.also) }),
  ...(given.zeros === undefined ? {} : { zeros: given.zeros }),
  wrt: wrtOf(by, model, given),
});

/** The names of `--wrt`, patterns as the names that they fit. */
function wrtOf(by: Transforms, model: Model, { of, wrt }: Options): string[] {
  if (wrt === undefined) return [];
  const found = namesIn("wrt", wrt).flatMap((name) => {
    if (model.inputs[name] ?? model.tensors[name]) return [name];
    const pattern = patternIn("wrt", name);
    if (!pattern) return [name];
    const [output = "", ...others] = of === undefined ? Object.keys(model.outputs) : [of];
    if (others.length > 0)
      throw wrongCall("missing-option", `--wrt ${name} needs --of: one of ${[output, ...others].join(", ")}.`);
    const names = by.reach(model, output).flatMap((input) => (input.reached ? [input.name] : []));
    const fitting = names.filter((input) => pattern.test(input));
    if (fitting.length > 0) return fitting;
    throw wrongCall(
      "unknown-name",
      `--wrt: ${name} fits none of what derivatives of "${output}" reach: ${names.slice(0, 12).join(", ")}${names.length > 12 ? `, and ${names.length - 12} more` : ""}.`,
    );
  });
  return [...new Set(found)];
}

const axesIn = (text: string): Record<string, number> =>
  Object.fromEntries(
    Object.entries(pairsIn("axis", text, "inputs and axes, as in x=0,")).map(([name, axis]) => {
      const number = Number(axis);
      if (Number.isInteger(number)) return [name, number];
      throw wrongCall(
        "bad-option",
        `--axis is "${short(text)}"; "${short(axis)}" is no axis; a whole number was expected.`,
      );
    }),
  );

const sizesIn = (text: string): Record<string, Dim> =>
  Object.fromEntries(
    Object.entries(pairsIn("dim", text, "sizes, as in batch=1,")).map(([name, size]) => [name, sizeIn(size)]),
  );

const sizeIn = (text: string): Dim => (/^-?\d+$/.test(text) ? Number(text) : text);

function show(
  { inputs, outputs, initializers }: Model,
  file: string,
  bytes: number,
  opset: number,
  json: boolean,
): void {
  const [taken, given] = [Object.entries(inputs).filter(([name]) => !initializers[name]), Object.entries(outputs)];
  if (json) {
    const port = ([name, { dtype, shape }]: (typeof given)[number]) => ({ name, dtype, shape });
    printJson({ file, bytes, opset, inputs: taken.map(port), outputs: given.map(port) });
    return;
  }
  print(`${resultStyle("bold", file)}: ${kilobytes(bytes)}, opset ${opset}, for any ONNX Runtime`);
  print(
    columns(
      [
        ...taken.map(([name, value]) => ["takes", name, String(value)]),
        ...given.map(([name, value]) => ["gives", name, String(value)]),
      ],
      { right: false },
    ),
  );
}
