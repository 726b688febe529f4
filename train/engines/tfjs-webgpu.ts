// Matrix products for WebGPU on a processor (SwiftShader, lavapipe): the kernels of TensorFlow.js share tiles within a
// workgroup, whose barriers cost a software device hundreds of times what the product does. Here every invocation works alone.
import type * as Core from "@tensorflow/tfjs-core";

interface Uniform {
  readonly type: "int32";
  readonly data: readonly number[];
}

/** What of the WebGPU backend is used here. */
interface WebGpuBackend extends Core.KernelBackend {
  runWebGPUProgram(
    program: PlainProduct,
    inputs: readonly Core.TensorInfo[],
    dtype: string,
    uniforms: readonly Uniform[],
  ): Core.TensorInfo;
}

/** Rows and columns that one invocation computes. */
const tile = 4;
const workgroup = 64;

/** `[batch, m, k]` times `[batch, k, n]`, either transposed, plus a bias; as a program of the WebGPU backend. */
class PlainProduct {
  readonly variableNames: readonly string[];
  readonly outputShape: readonly number[];
  readonly workgroupSize = [workgroup, 1, 1] as const;
  readonly dispatchLayout = { x: [0] };
  /** Set by the backend to what fits the device. */
  dispatch: [number, number, number];
  readonly uniforms = "m : i32, n : i32, k : i32, aStep : i32, bStep : i32, biasStep : i32, tiles : i32,";
  readonly shaderKey: string;
  readonly #transposed: readonly [boolean, boolean];

  constructor(outputShape: readonly number[], tiles: number, transposed: readonly [boolean, boolean], bias: boolean) {
    this.variableNames = bias ? ["A", "B", "bias"] : ["A", "B"];
    this.outputShape = outputShape;
    this.dispatch = [Math.ceil(tiles / workgroup), 1, 1];
    this.shaderKey = `innerloopProduct_${transposed}_${bias}`;
    this.#transposed = transposed;
  }

  getUserCode(): string {
    const [a, b] = this.#transposed;
    const rows = Array.from({ length: tile }, (_, i) => i);
    const hasBias = this.variableNames.length === 3;
    return `
      fn main(index : i32) {
        if (index >= uniforms.tiles) { return; }
        let across = (uniforms.n + ${tile - 1}) / ${tile};
        let down = (uniforms.m + ${tile - 1}) / ${tile};
        let batch = index / (across * down);
        let row = ((index / across) % down) * ${tile};
        let column = (index % across) * ${tile};
        let aAt = batch * uniforms.aStep;
        let bAt = batch * uniforms.bStep;
        ${rows.map((i) => `let r${i} = min(row + ${i}, uniforms.m - 1); let c${i} = min(column + ${i}, uniforms.n - 1);`).join("\n")}
        ${rows.map((i) => `var sum${i} = vec4<f32>(0.0);`).join("\n")}
        for (var k = 0; k < uniforms.k; k = k + 1) {
          let b = vec4<f32>(${rows.map((i) => (b ? `B[bAt + c${i} * uniforms.k + k]` : `B[bAt + k * uniforms.n + c${i}]`))});
          ${rows.map((i) => `sum${i} += ${a ? `A[aAt + k * uniforms.m + r${i}]` : `A[aAt + r${i} * uniforms.k + k]`} * b;`).join("\n")}
        }
        ${hasBias ? `let added = vec4<f32>(${rows.map((i) => `bias[batch * uniforms.biasStep + c${i}]`)});` : ""}
        let at = batch * uniforms.m * uniforms.n;
        ${rows
          .flatMap((i) =>
            rows.map(
              (j) =>
                `if (row + ${i} < uniforms.m && column + ${j} < uniforms.n) { result[at + r${i} * uniforms.n + c${j}] = sum${i}[${j}]${hasBias ? ` + added[${j}]` : ""}; }`,
            ),
          )
          .join("\n")}
      }
    `;
  }
}

/** Replaces the matrix products of the backend "webgpu". The engine gives them one batch axis at most. */
export function registerPlainProducts(tf: typeof Core): void {
  const kernelFunc: Core.KernelFunc = ({ inputs, attrs, backend }) => {
    const { a, b, bias } = inputs as { readonly a: Core.TensorInfo; b: Core.TensorInfo; bias?: Core.TensorInfo };
    const { transposeA, transposeB } = attrs as unknown as { readonly transposeA: boolean; transposeB: boolean };
    const [aBatch, bBatch] = [batchOf(a), batchOf(b)];
    const [rows, inner] = a.shape.slice(-2) as [number, number];
    const [m, k] = transposeA ? [inner, rows] : [rows, inner];
    const n = b.shape.at(transposeB ? -2 : -1)!;
    const batch = Math.max(aBatch, bBatch);
    const shape = a.shape.length === 2 && b.shape.length === 2 ? [m, n] : [batch, m, n];
    const tiles = batch * Math.ceil(m / tile) * Math.ceil(n / tile);
    const program = new PlainProduct(shape, tiles, [transposeA, transposeB], bias !== undefined);
    const steps = [aBatch === 1 ? 0 : m * k, bBatch === 1 ? 0 : k * n, (bias?.shape.length ?? 1) === 1 ? 0 : n];
    const uniforms = [m, n, k, ...steps, tiles].map((value): Uniform => ({ type: "int32", data: [value] }));
    return (backend as WebGpuBackend).runWebGPUProgram(program, bias ? [a, b, bias] : [a, b], "float32", uniforms);
  };
  for (const kernelName of ["BatchMatMul", "_FusedMatMul"]) {
    tf.unregisterKernel(kernelName, "webgpu");
    tf.registerKernel({ kernelName, backendName: "webgpu", kernelFunc });
  }
}

const batchOf = ({ shape }: Core.TensorInfo): number => (shape.length === 2 ? 1 : shape[0]!);
