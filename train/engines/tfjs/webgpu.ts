// Kernels for WebGPU instead of those of TensorFlow.js. A cast to float is one everywhere. Products and sums are for WebGPU on a
// processor (SwiftShader, lavapipe): the library's share memory within a workgroup, whose barriers cost a software device a
// hundred times what they compute. Here every invocation works alone.

import { sizeOf } from "@innerloop/schemas";
import type * as Core from "@tensorflow/tfjs-core";
import { joinAxes } from "./shapes.ts";

/** A program as the WebGPU backend takes it. */
interface Program {
  readonly variableNames: readonly string[];
  /** How many numbers of each input are read at once. */
  readonly variableComponents: readonly number[];
  readonly outputShape: readonly number[];
  readonly workgroupSize: readonly [number, number, number];
  readonly dispatchLayout: { readonly x: readonly number[] };
  /** The backend sets it to what the device takes. */
  dispatch: readonly number[];
  /** Whole numbers, by name. */
  readonly uniforms: string;
  readonly shaderKey: string;
  getUserCode(): string;
}

/** What of the WebGPU backend is used here. */
interface WebGpuBackend extends Core.KernelBackend {
  runWebGPUProgram(
    program: Program,
    inputs: readonly Core.TensorInfo[],
    dtype: string,
    uniforms: readonly { readonly type: "int32"; readonly data: readonly number[] }[],
  ): Core.TensorInfo;
}

interface Job {
  readonly key: string;
  readonly inputs: Readonly<Record<string, Core.TensorInfo>>;
  readonly components: readonly number[];
  readonly shape: readonly number[];
  readonly invocations: number;
  readonly sizes: Readonly<Record<string, number>>;
  /** The body of an invocation; `index` is its number. */
  readonly code: string;
}

const workgroup = 64;

/** Runs a program of so many invocations. It converts what it reads: a tensor of floats may hold what it was cast from. */
function run(backend: unknown, job: Job): Core.TensorInfo {
  const sizes: [string, number][] = [...Object.entries(job.sizes), ["invocations", job.invocations]];
  const program: Program = {
    variableNames: Object.keys(job.inputs),
    variableComponents: job.components,
    outputShape: job.shape,
    workgroupSize: [workgroup, 1, 1],
    dispatchLayout: { x: [0] },
    dispatch: [Math.ceil(job.invocations / workgroup), 1, 1],
    uniforms: sizes.map(([name]) => `${name} : i32,`).join(" "),
    shaderKey: `innerloop_${job.key}_${job.components}`,
    getUserCode: () => `fn main(index : i32) { if (index >= uniforms.invocations) { return; } ${job.code} }`,
  };
  const uniforms = sizes.map(([, value]) => ({ type: "int32" as const, data: [value] }));
  return (backend as WebGpuBackend).runWebGPUProgram(program, Object.values(job.inputs), "float32", uniforms);
}

/** Rows and columns that one invocation computes of a product. */
const tile = 4;
const four = [0, 1, 2, 3] as const;

/** `[batch?, m, k]` times `[batch?, k, n]`, either transposed, plus a bias `[n]` or `[batch, 1, n]`. */
const multiply: Core.KernelFunc = ({ inputs, attrs, backend }) => {
  const { a, b, bias } = inputs as { readonly a: Core.TensorInfo; b: Core.TensorInfo; bias?: Core.TensorInfo };
  const { transposeA, transposeB } = attrs as unknown as { readonly transposeA: boolean; transposeB: boolean };
  const batchOf = ({ shape }: Core.TensorInfo) => (shape.length === 2 ? 1 : shape[0]!);
  const [rows, inner] = a.shape.slice(-2) as [number, number];
  const [m, k] = transposeA ? [inner, rows] : [rows, inner];
  const n = b.shape.at(transposeB ? -2 : -1)!;
  const batch = Math.max(batchOf(a), batchOf(b));
  const whole = (size: number) => size % tile === 0;
  // Four numbers are read at once where rows of a matrix allow it, and k is walked in fours where one of them lies along it.
  const [wideA, wideB] = [whole(inner), whole(b.shape.at(-1)!)];
  const block = whole(k) ? four : ([0] as const);
  const readA = (i: number, j: number) => {
    if (transposeA) return wideA ? `a${j}[${i}]` : `f32(A[aAt + (k + ${j}) * uniforms.m + r${i}])`;
    return wideA ? `a${i}[${j}]` : `f32(A[aAt + r${i} * uniforms.k + k + ${j}])`;
  };
  const readB = (j: number) => {
    if (transposeB)
      return `vec4<f32>(${four.map((i) => (wideB ? `b${i}[${j}]` : `f32(B[bAt + c${i} * uniforms.k + k + ${j}])`))})`;
    return wideB ? `b${j}` : `vec4<f32>(${four.map((i) => `f32(B[bAt + (k + ${j}) * uniforms.n + c${i}])`)})`;
  };
  const load = (matrix: "A" | "B", wide: boolean, along: boolean, steps: readonly number[]) => {
    const name = matrix.toLowerCase();
    const [row, width] = matrix === "A" ? ["row", "m"] : ["column", "n"];
    const start = matrix === "A" ? "r" : "c";
    const at = (i: number) => (along ? `${start}${i} * uniforms.k + k` : `(k + ${i}) * uniforms.${width} + ${row}`);
    return wide
      ? (along ? four : steps)
          .map((i) => `let ${name}${i} = vec4<f32>(${matrix}[(${name}At + ${at(i)}) / 4]);`)
          .join("\n")
      : "";
  };
  const code = `
    let across = (uniforms.n + 3) / 4;
    let down = (uniforms.m + 3) / 4;
    let batch = index / (across * down);
    let row = ((index / across) % down) * 4;
    let column = (index % across) * 4;
    let aAt = batch * uniforms.aStep;
    let bAt = batch * uniforms.bStep;
    ${four.map((i) => `let r${i} = min(row + ${i}, uniforms.m - 1); let c${i} = min(column + ${i}, uniforms.n - 1);`).join("\n")}
    ${four.map((i) => `var sum${i} = vec4<f32>(0.0);`).join("\n")}
    for (var k = 0; k < uniforms.k; k = k + ${block.length}) {
      ${load("A", wideA, !transposeA, block)}
      ${load("B", wideB, transposeB, block)}
      ${block.flatMap((j) => [`let t${j} = ${readB(j)};`, ...four.map((i) => `sum${i} += ${readA(i, j)} * t${j};`)]).join("\n")}
    }
    let added = ${bias ? `vec4<f32>(${four.map((i) => `f32(bias[batch * uniforms.biasStep + c${i}])`)})` : "vec4<f32>(0.0)"};
    let at = batch * uniforms.m * uniforms.n;
    ${four
      .flatMap((i) =>
        four.map(
          (j) =>
            `if (row + ${i} < uniforms.m && column + ${j} < uniforms.n) { result[at + r${i} * uniforms.n + c${j}] = sum${i}[${j}] + added[${j}]; }`,
        ),
      )
      .join("\n")}
  `;
  return run(backend, {
    key: `product_${transposeA}_${transposeB}_${block.length}_${bias !== undefined}`,
    inputs: bias ? { A: a, B: b, bias } : { A: a, B: b },
    components: [wideA ? 4 : 1, wideB ? 4 : 1, ...(bias ? [1] : [])],
    shape: a.shape.length === 2 && b.shape.length === 2 ? [m, n] : [batch, m, n],
    invocations: batch * Math.ceil(m / tile) * Math.ceil(n / tile),
    sizes: {
      m,
      n,
      k,
      aStep: batchOf(a) === 1 ? 0 : m * k,
      bStep: batchOf(b) === 1 ? 0 : k * n,
      biasStep: bias && bias.shape.length > 1 ? n : 0,
    },
    code,
  });
};

/** Sums over neighbouring axes, in two levels so that long ones lose little; what is not like that, or not float, as before. */
const sum =
  (others: Core.KernelFunc): Core.KernelFunc =>
  (call) => {
    const { x } = call.inputs as { readonly x: Core.TensorInfo };
    const { axis, keepDims } = call.attrs as unknown as { readonly axis: readonly number[]; keepDims: boolean };
    const gone = (at: number) => axis.includes(at);
    const joined = joinAxes(x.shape, (at) => gone(at) === gone(at - 1));
    const first = gone(0) ? 0 : 1;
    if (x.dtype !== "float32" || axis.length === 0 || joined.length > first + 2) return others(call);
    const [count, inner] = [joined[first]!, joined[first + 1] ?? 1];
    const shape = x.shape.flatMap((size, at) => (gone(at) ? (keepDims ? [1] : []) : [size]));
    const code = `
      let start = (index / uniforms.inner) * uniforms.count * uniforms.inner + index % uniforms.inner;
      var total = 0.0;
      for (var first = 0; first < uniforms.count; first = first + 64) {
        var part = 0.0;
        for (var i = first; i < min(first + 64, uniforms.count); i = i + 1) { part += f32(x[start + i * uniforms.inner]); }
        total += part;
      }
      result[index] = total;
    `;
    const sizes = { count, inner };
    return run(call.backend, {
      key: "sum",
      inputs: { x },
      components: [1],
      shape,
      invocations: sizeOf(shape),
      sizes,
      code,
    });
  };

/**
 * A cast of whole numbers or truths to floats that makes floats. The library only calls the same numbers floats, and its kernels
 * that move numbers (Transpose, Tile, …) then do not compile.
 */
const cast =
  (others: Core.KernelFunc): Core.KernelFunc =>
  (call) => {
    const { x } = call.inputs as { readonly x: Core.TensorInfo };
    const { dtype } = call.attrs as unknown as { readonly dtype: string };
    const invocations = sizeOf(x.shape);
    if (dtype !== "float32" || (x.dtype !== "int32" && x.dtype !== "bool") || invocations === 0) return others(call);
    const code = "result[index] = f32(x[index]);";
    return run(call.backend, {
      key: "cast",
      inputs: { x },
      components: [1],
      shape: x.shape,
      invocations,
      sizes: {},
      code,
    });
  };

/** What stands in for the library's. */
const ours = new WeakSet<Core.KernelFunc>();

/** A kernel that was replaced when the device was opened before stays. */
function replaceKernel(tf: typeof Core, kernelName: string, by: (library: Core.KernelFunc) => Core.KernelFunc): void {
  const library = tf.getKernel(kernelName, "webgpu").kernelFunc;
  if (ours.has(library)) return;
  const kernelFunc = by(library);
  ours.add(kernelFunc);
  tf.unregisterKernel(kernelName, "webgpu");
  tf.registerKernel({ kernelName, backendName: "webgpu", kernelFunc });
}

/** Replaces what of the backend "webgpu" is wrong on every device. */
export function registerRightKernels(tf: typeof Core): void {
  replaceKernel(tf, "Cast", cast);
}

/** Replaces the matrix products and sums of the backend "webgpu". The engine gives products one batch axis at most. */
export function registerPlainKernels(tf: typeof Core): void {
  replaceKernel(tf, "Sum", sum);
  for (const name of ["BatchMatMul", "_FusedMatMul"]) replaceKernel(tf, name, () => multiply);
}
