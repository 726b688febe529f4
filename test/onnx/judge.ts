// What becomes of one node test here: read, written as it was read and taken apart, run on ONNX Runtime, and computed in float64.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  defaultOpset,
  evaluate,
  type OnnxModel,
  onnxTarget,
  readOnnx,
  type ShapedNumbers,
  type Target,
  type Value,
  writableOpsets,
  writeOnnx,
} from "@innerloop/graph";
import { elementNameOf, InnerloopError } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
import { repository } from "../support/root.ts";
import type { CaseTensor, NodeCase } from "./cases.ts";
import { difference, numbersFrom, numbersOf, runOnOrt } from "./numbers.ts";

/** Where a case stopped, and why. */
export interface Failure {
  readonly at: "read" | "write" | "run" | "numbers";
  readonly code: string;
  readonly message: string;
}

/** How a case went. */
export interface Verdict {
  readonly name: string;
  readonly operator: string;
  /** Written as it was read, and run. */
  readonly authored?: Failure | undefined;
  /** Written in elementary operators alone, and run. */
  readonly apart?: Failure | undefined;
  /** Computed in float64 by the reference evaluation. */
  readonly evaluated?: Failure | undefined;
  /** Why ONNX Runtime does not give what is expected of the original either; absent where it does, or was not asked. */
  readonly original?: string | undefined;
}

const failure = (at: Failure["at"], error: unknown): Failure => ({
  at,
  code: error instanceof InnerloopError ? error.code : error instanceof Error ? error.name : "error",
  message: (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "",
});

/** Plain ONNX in which every operator that has parts is written as these. */
const plain = onnxTarget({ opset: writableOpsets.newest });
const apart: Target = {
  ...onnxTarget(),
  keeps: (operator, inputs, attributes) => !operator.decompose && plain.keeps(operator, inputs, attributes),
};

/** Cases whose numbers are drawn by chance: their outputs are known by shape alone. */
export const byChance = ({ name }: NodeCase): boolean =>
  name.startsWith("test_bernoulli") || (name.startsWith("test_training_dropout") && !name.includes("zero_ratio"));

/** What is wrong with outputs by name, if anything is. */
function wrong(
  test: NodeCase,
  got: (name: string) => { shape: readonly number[]; data: Float64Array },
): Failure | undefined {
  for (const output of test.outputs) {
    if (output.name === "") continue;
    const off = difference(test, numbersOf(output), got(output.name), byChance(test));
    if (off) return { at: "numbers", code: "numbers", message: `${output.name}: ${off}` };
  }
  return undefined;
}

/** The names of types of a model's inputs in a file. */
function inputTypes(bytes: Uint8Array): (input: CaseTensor) => string | undefined {
  const types = new Map(
    (decodeModel(bytes, "written").graph?.input ?? []).map(({ name, type }) => [
      name ?? "",
      elementNameOf(type?.tensorType?.elemType ?? 0),
    ]),
  );
  return ({ name }) => types.get(name);
}

async function onRuntime(test: NodeCase, bytes: Uint8Array): Promise<Failure | undefined> {
  try {
    const results = await runOnOrt(bytes, test.inputs, inputTypes(bytes));
    return wrong(test, (name) => numbersFrom(results[name]!));
  } catch (error) {
    return failure("run", error);
  }
}

/**
 * What is written of a model, run: in the opset that is written unless another is asked for, or else in its own. Of the element types
 * that graphs lack, onnxruntime-node takes float16 alone.
 */
async function rewritten(test: NodeCase, model: OnnxModel, target?: Target): Promise<Failure | undefined> {
  const inputs = test.inputs.flatMap(({ name }): Value[] => (model.inputs[name] ? [model.inputs[name]] : []));
  const elements = Object.entries(model.elements).filter(([, element]) => element === "float16");
  const attempt = async (opset?: number): Promise<Failure | undefined> => {
    let bytes: Uint8Array;
    try {
      bytes = writeOnnx(model.outputs, {
        initializers: model.initializers,
        inputs,
        elements: Object.fromEntries(elements),
        ...(opset !== undefined && { opset }),
        ...(target && { target }),
      });
    } catch (error) {
      return failure("write", error);
    }
    return onRuntime(test, bytes);
  };
  const first = await attempt();
  return first && test.opset > defaultOpset ? attempt(test.opset) : first;
}

function computed(test: NodeCase, model: OnnxModel): Failure | undefined {
  try {
    const feeds: Record<string, ShapedNumbers> = {};
    for (const [name, { shape, data }] of Object.entries(model.initializers))
      feeds[name] = { shape, data: Float64Array.from(data as ArrayLike<number>, Number) };
    for (const given of test.inputs) if (model.inputs[given.name]) feeds[given.name] = numbersOf(given);
    const names = test.outputs.map(({ name }) => name).filter((name) => name !== "");
    const results = evaluate(
      names.map((name) => model.outputs[name]!),
      feeds,
    );
    return wrong(test, (name) => results[names.indexOf(name)]!);
  } catch (error) {
    return failure("numbers", error);
  }
}

/** The operators that docs/operators.md excepts, with their reasons, by domain. */
const excepted = Object.values(
  JSON.parse(readFileSync(join(repository, "docs/operators-not-read.json"), "utf8")) as Record<
    string,
    Record<string, string[]>
  >,
).flatMap((domains) => Object.values(domains).flat());
const isExcepted: ReadonlySet<string> = new Set(excepted);

/** Whether all that a case takes and gives is arrays of numbers, and no operator of it is excepted. */
export const isNumeric = ({ inputs, outputs, operators, operator }: NodeCase): boolean =>
  [...inputs, ...outputs].every(({ name, bytes }) => name === "" || bytes !== undefined) &&
  ![...operators, operator].some((name) => isExcepted.has(name));

/** Reads, writes and runs a case. */
export async function judge(test: NodeCase): Promise<Verdict> {
  const { name, operator } = test;
  let model: OnnxModel;
  try {
    model = readOnnx(test.model, name);
  } catch (error) {
    const stopped = failure("read", error);
    return { name, operator, authored: stopped, apart: stopped, evaluated: stopped };
  }
  const authored = await rewritten(test, model);
  const inParts = await rewritten(test, model, apart);
  const evaluated = computed(test, model);
  const original = authored || inParts ? await onRuntime(test, test.model) : undefined;
  return { name, operator, authored, apart: inParts, evaluated, original: original?.message };
}

/**
 * Whether a case passes: ONNX Runtime gives what is expected of what is written, or gives it of the original no more than of
 * ours, and the reference evaluation does.
 */
export const passes = (verdict: Verdict, form: "authored" | "apart"): boolean =>
  verdict[form] === undefined ||
  (verdict.original !== undefined && verdict.evaluated === undefined && verdict[form].at !== "write");
