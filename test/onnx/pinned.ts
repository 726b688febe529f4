// What is recorded of ONNX's node tests: which of them do not pass, and a small sample that runs without Python.
import { readRecorded } from "../support/recorded.ts";
import type { CaseTensor, NodeCase } from "./cases.ts";
import { isNumeric, passes, type Verdict } from "./judge.ts";

/** The state of all cases, recorded by `node test/dist/onnx/main.js --record`. */
export interface Pinned {
  /** The version of `onnx` whose cases these are. */
  readonly onnx: string;
  readonly cases: number;
  /** Cases that take and give arrays of numbers alone. */
  readonly numeric: number;
  /** Names of cases of numbers that do not pass, by the form in which they were written. */
  readonly failing: Readonly<Record<"authored" | "apart", readonly string[]>>;
}

type Stored<T> = Omit<T, "model" | "inputs" | "outputs" | "bytes">;
interface SampleTensor extends Stored<CaseTensor> {
  readonly base64?: string;
}
interface SampleCase extends Stored<NodeCase> {
  readonly model: string;
  readonly inputs: readonly SampleTensor[];
  readonly outputs: readonly SampleTensor[];
}

export const pinned = (): Pinned => readRecorded<Pinned>("onnx/recorded/node-cases.json");

export const pinnedOf = (onnx: string, cases: readonly NodeCase[], verdicts: readonly Verdict[]): Pinned => {
  const numeric = new Set(cases.filter(isNumeric).map(({ name }) => name));
  const among = verdicts.filter(({ name }) => numeric.has(name));
  const failing = (form: "authored" | "apart") =>
    among.filter((verdict) => !passes(verdict, form)).map(({ name }) => name);
  return {
    onnx,
    cases: cases.length,
    numeric: numeric.size,
    failing: { authored: failing("authored"), apart: failing("apart") },
  };
};

const packed = ({ bytes, ...rest }: CaseTensor): SampleTensor =>
  bytes ? { ...rest, base64: Buffer.from(bytes).toString("base64") } : rest;
const unpacked = ({ base64, ...rest }: SampleTensor): CaseTensor =>
  base64 === undefined ? rest : { ...rest, bytes: new Uint8Array(Buffer.from(base64, "base64")) };

const bytesOf = ({ model, inputs, outputs }: NodeCase): number =>
  [...inputs, ...outputs].reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), model.length);

/** No case of the sample is larger, in bytes. */
const most = 6000;

/** The smallest case of each operator that passes in both forms, and in float64. */
export function sampleOf(cases: readonly NodeCase[], verdicts: readonly Verdict[]): SampleCase[] {
  const right = new Set(
    verdicts.filter(({ authored, apart, evaluated }) => !authored && !apart && !evaluated).map(({ name }) => name),
  );
  const smallest = new Map<string, NodeCase>();
  for (const one of cases) {
    const before = smallest.get(one.operator);
    if (right.has(one.name) && bytesOf(one) <= (before ? bytesOf(before) - 1 : most)) smallest.set(one.operator, one);
  }
  return [...smallest.values()].map((one) => ({
    ...one,
    model: Buffer.from(one.model).toString("base64"),
    inputs: one.inputs.map(packed),
    outputs: one.outputs.map(packed),
  }));
}

/** The sample that is recorded. */
export const sample = (): NodeCase[] =>
  readRecorded<readonly SampleCase[]>("onnx/recorded/sample.json").map((one) => ({
    ...one,
    model: new Uint8Array(Buffer.from(one.model, "base64")),
    inputs: one.inputs.map(unpacked),
    outputs: one.outputs.map(unpacked),
  }));
