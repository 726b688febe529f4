// Modules over the memory of TensorFlow.js's WebAssembly.

/** What the types of Node leave out. */
export interface Memory {
  readonly buffer: ArrayBuffer;
}

const { WebAssembly: host } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  };
};

/** The functions of a module over a memory. */
export const instanceIn = <Name extends string>(
  memory: Memory,
  bytes: Uint8Array,
): Readonly<Record<Name, (...words: readonly number[]) => void>> =>
  new host.Instance(new host.Module(bytes), { host: { memory } }).exports as Readonly<
    Record<Name, (...words: readonly number[]) => void>
  >;
