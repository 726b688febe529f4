// ONNX Runtime where a test runner (Jest, Vitest's vm pools) runs code in a realm of its own, with typed arrays of its own:
// the native library makes those of Node's own realm, and ONNX Runtime's JavaScript, loaded in another, refuses them. So that
// JavaScript is loaded where the library is, and arrays change their class, not their memory, on the way in and out.
import { runInThisContext } from "node:vm";
import type * as OnnxRuntime from "onnxruntime-common";
import type { Ort } from "./host.ts";

type Value = OnnxRuntime.InferenceSession.ReturnType[string];
type View = { readonly buffer: ArrayBuffer; readonly byteOffset: number; readonly length: number };
type Classes = Readonly<Record<string, new (buffer: ArrayBuffer, offset: number, length: number) => object>>;

/** Node's own realm: in it, whatever a test runner puts in place of `require` and `import` is not seen. */
const node = runInThisContext("globalThis") as Classes & { readonly process: NodeJS.Process };

/**
 * @param from the file whose packages are looked in
 * @throws what Node's own `require` throws
 */
export function loadAcrossRealms(from: string | URL): typeof import("onnxruntime-node") {
  const { createRequire } = node.process.getBuiltinModule("node:module");
  const theirs = createRequire(from)("onnxruntime-node") as typeof import("onnxruntime-node");
  return { ...theirs, ...acrossRealms(theirs) };
}

function acrossRealms({ env, Tensor, InferenceSession }: Ort): Ort {
  const create = async (model: Uint8Array, options: object) => {
    const session = await InferenceSession.create(as(node, model) as Uint8Array, options);
    const { inputNames, outputNames, inputMetadata, outputMetadata } = session;
    return {
      inputNames: [...inputNames],
      outputNames: [...outputNames],
      inputMetadata: [...inputMetadata],
      outputMetadata: [...outputMetadata],
      release: () => session.release(),
      run: async (feeds: OnnxRuntime.InferenceSession.FeedsType, fetches: string[]) => {
        const results = Object.entries(await session.run(feeds, fetches));
        return Object.fromEntries(results.map(([name, value]) => [name, ours(value)]));
      },
    };
  };
  // Called with `new`, as the class is that it stands for.
  function TensorHere(type: "float32", data: Float32Array, dims: readonly number[]) {
    return new Tensor(type, as(node, data) as Float32Array, dims);
  }
  return { env, Tensor: TensorHere, InferenceSession: { create } } as unknown as Ort;
}

/** A result as this realm has it; one that lies on a device stays what it is, to be fed again. */
function ours(value: Value): Value {
  if (value.location !== "cpu") return value;
  const { type, dims, data, location } = value;
  return { type, dims: [...dims], data: as(globalThis as unknown as Classes, data), location } as unknown as Value;
}

/** The same numbers as an array of a realm's own class; texts stay as they are. */
function as(realm: Classes, data: unknown): unknown {
  if (!ArrayBuffer.isView(data)) return data;
  const { buffer, byteOffset, length } = data as unknown as View;
  return new realm[(data as Uint8Array)[Symbol.toStringTag]]!(buffer, byteOffset, length);
}
