// ONNX's own node tests as dump.py puts them into a folder: a model of some nodes, its inputs, and the outputs that are expected.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { python } from "../support/python.ts";
import { repository } from "../support/root.ts";

/** An input or an output. What is no array of numbers has no bytes. */
export interface CaseTensor {
  readonly name: string;
  /** `TensorProto.DataType`; absent for what is no tensor. */
  readonly type?: number;
  readonly shape?: readonly number[];
  readonly bytes?: Uint8Array;
}

export interface NodeCase {
  readonly name: string;
  /** The operator that it is about. */
  readonly operator: string;
  readonly opset: number;
  /** Of its nodes, without those in functions and bodies. */
  readonly domains: readonly string[];
  readonly operators: readonly string[];
  readonly rtol: number;
  readonly atol: number;
  readonly model: Uint8Array;
  readonly inputs: readonly CaseTensor[];
  readonly outputs: readonly CaseTensor[];
}

interface Row extends Omit<CaseTensor, "bytes"> {
  readonly at?: number;
  readonly bytes?: number;
}
interface Index {
  readonly onnx: string;
  readonly operators: Readonly<Record<string, readonly string[]>>;
  readonly cases: readonly (Omit<NodeCase, "model" | "inputs" | "outputs"> & {
    readonly model: readonly [number, number];
    readonly inputs: readonly Row[];
    readonly outputs: readonly Row[];
  })[];
}

/** The folder of the cases, which is made at the first time, and once for each version of `onnx`. */
function folderOfCases(): string {
  const { stdout } = spawnSync(python, ["-c", "import onnx; print(onnx.__version__)"], { encoding: "utf8" });
  const folder = join(tmpdir(), `innerloop-onnx-cases-${stdout.trim()}`);
  if (existsSync(join(folder, "index.json"))) return folder;
  const making = `${folder}-${process.pid}`;
  mkdirSync(making, { recursive: true });
  const { status, stderr } = spawnSync(python, [join(repository, "test/onnx/dump.py"), making], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  rmSync(folder, { recursive: true, force: true });
  renameSync(making, folder);
  return folder;
}

/** What the `onnx` of Python has. */
export interface Standard {
  readonly version: string;
  /** The operators, by domain. */
  readonly operators: Readonly<Record<string, readonly string[]>>;
  readonly cases: readonly NodeCase[];
}

/** All node tests of the `onnx` that Python has. */
export function nodeCases(): Standard {
  const folder = folderOfCases();
  const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as Index;
  const data = new Uint8Array(readFileSync(join(folder, "data.bin")));
  const tensor = ({ at, bytes, ...row }: Row): CaseTensor =>
    at === undefined || bytes === undefined ? row : { ...row, bytes: data.slice(at, at + bytes) };
  const cases = index.cases.map(({ model: [at, length], inputs, outputs, ...rest }) => ({
    ...rest,
    model: data.slice(at, at + length),
    inputs: inputs.map(tensor),
    outputs: outputs.map(tensor),
  }));
  return { version: index.onnx, operators: index.operators, cases };
}
