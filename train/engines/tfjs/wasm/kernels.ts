// Kernels for the WebAssembly backend that it has none or slow ones for. They are registered beside its own.

import type { Memory } from "@innerloop/runtime/wasm";
import type * as Core from "@tensorflow/tfjs-core";
import { type Chain, chainsIn } from "./chain.ts";
import { productsIn, scratchBytes } from "./product.ts";

/** What of the backend is used here. */
export interface WasmBackend {
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    readonly asm: { readonly memory?: Memory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: { get(id: object): { readonly memoryOffset: number } };
  makeOutput(shape: number[], dtype: Core.DataType): Core.TensorInfo;
}

/** How a product takes its factors. */
export interface ProductSettings {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** What a chain computes, and the shape of its result. */
export interface ChainSettings {
  readonly chain: Chain;
  readonly shape: readonly number[];
}

/** Rows and columns of matrices, and how many there are. */
function matrices({ shape }: Core.TensorInfo, transposed: boolean) {
  const [count = 1, second = 1, last = 1] = shape.length > 2 ? shape : [1, ...shape];
  return { count, rows: transposed ? last : second, columns: transposed ? second : last };
}

/**
 * Registers
 * - `InnerloopMatMul`: `a [count, m, k]` times `b [count, k, n]`, either of them the other way round, one for all where its count
 *   is 1 or it has two axes.
 * - `InnerloopChain`: what a {@link Chain} makes of a list of operands.
 * - `InnerloopSelect`: rows of `t [rows, n]` where `condition [rows]` holds, of `e` elsewhere.
 */
export function registerWasmKernels(tf: typeof Core, backend: WasmBackend): void {
  if (tf.getKernel("InnerloopMatMul", "wasm")) return;
  const { memory } = backend.wasm.asm;
  if (!memory) throw new Error("the memory of its WebAssembly is not found");
  const multiply = productsIn(memory);
  const walkOf = chainsIn(memory);
  let scratch = { place: 0, bytes: 0 };
  const scratchOf = (bytes: number): number => {
    if (bytes > scratch.bytes) {
      if (scratch.bytes > 0) backend.wasm._free(scratch.place);
      scratch = { place: 0, bytes: 0 };
      scratch = { place: backend.wasm._malloc(bytes) >>> 0, bytes };
    }
    return scratch.place;
  };
  const place = ({ dataId }: Core.TensorInfo) => backend.dataIdMap.get(dataId).memoryOffset;
  tf.registerKernel({
    kernelName: "InnerloopMatMul",
    backendName: "wasm",
    kernelFunc({ inputs, attrs }) {
      const { a, b } = inputs as { readonly a: Core.TensorInfo; readonly b: Core.TensorInfo };
      const { transposeA, transposeB } = attrs as unknown as ProductSettings;
      const [left, right] = [matrices(a, transposeA), matrices(b, transposeB)];
      const count = Math.max(left.count, right.count);
      const sizes = { count, m: left.rows, n: right.columns, k: left.columns };
      const out = backend.makeOutput(
        a.shape.length > 2 || b.shape.length > 2 ? [count, sizes.m, sizes.n] : [sizes.m, sizes.n],
        "float32",
      );
      const factor = (tensor: Core.TensorInfo, of: typeof left, turned: boolean) => ({
        place: place(tensor),
        apart: of.count === 1 ? 0 : 4 * of.rows * of.columns,
        turned,
      });
      const needed = scratchOf(scratchBytes(sizes));
      multiply(sizes, factor(a, left, transposeA), factor(b, right, transposeB), place(out), needed);
      return out;
    },
  });
  tf.registerKernel({
    kernelName: "InnerloopChain",
    backendName: "wasm",
    kernelFunc({ inputs, attrs }) {
      const { chain, shape } = attrs as unknown as ChainSettings;
      const out = backend.makeOutput([...shape], "float32");
      walkOf(chain)(...(inputs as unknown as readonly Core.TensorInfo[]).map(place), place(out));
      return out;
    },
  });
  tf.registerKernel({
    kernelName: "InnerloopSelect",
    backendName: "wasm",
    kernelFunc({ inputs }) {
      const { condition, t, e } = inputs as Readonly<Record<"condition" | "t" | "e", Core.TensorInfo>>;
      const out = backend.makeOutput([...t.shape], t.dtype);
      const [rows = 0, columns = 0] = t.shape;
      const bytes = columns * tf.util.bytesPerElement(t.dtype);
      const [chosen, yes, no, to] = [condition, t, e, out].map(place) as [number, number, number, number];
      // Taken after the output was made, which may have moved the memory.
      const { HEAPU8: all } = backend.wasm;
      for (let row = 0; row < rows; row++) {
        const from = (all[chosen + row] === 0 ? no : yes) + row * bytes;
        all.copyWithin(to + row * bytes, from, from + bytes);
      }
      return out;
    },
  });
}
