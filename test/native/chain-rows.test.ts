// Chains whose rows lie apart, so that each row is a block of its own where that is quicker: the gates of a recurrent network and their derivatives.

import type { Access, Call, Chain, Store } from "@innerloop/native/plan";
import { describe, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";

const kernels = testKernels();

const storeOf = (size: number): Store => ({ size, depth: 1 });

/** Rows of an array of `pitch` columns, from `column` on. */
const rowsOf = (store: Store, pitch: number, column: number): Access => ({
  ...{ store, offset: column, strides: [pitch, 1] },
});

describe("chains of rows that lie apart", () => {
  it.each([
    [8, 256, 256],
    [5, 128, 130],
    [3, 301, 301],
    [40, 128, 200],
    [7, 127, 127],
    [2, 600, 600],
  ])("give %i rows of %i numbers, some of them written where they are read and some added up", (rows, size, apart) => {
    const pitch = 4 * apart + 3;
    const [gates, state, bias] = [storeOf(rows * pitch), storeOf(rows * size), storeOf(size)];
    const [out, sums] = [storeOf(rows * pitch), storeOf(size)];
    const reads: Access[] = [0, 1, 2, 3].map((gate) => rowsOf(gates, pitch, gate * apart));
    reads.push({ store: state, offset: 0, strides: [size, 1] }, { store: bias, offset: 0, strides: [0, 1] });
    const call = (name: Call["name"], ...registers: number[]): Call => ({
      ...{ name, operands: registers.map((register) => ({ register })) },
    });
    const code = [
      ...[call("add", 0, 5), call("sigmoid", 6), call("sigmoid", 1), call("tanh", 2), call("multiply", 7, 9)],
      ...[call("multiply", 8, 4), call("add", 10, 11), call("tanh", 12), call("multiply", 13, 3)],
    ];
    const set = (access: Access, register: number) => ({ ...access, register, how: "set" as const });
    const step: Chain = {
      ...{ kind: "chain", shape: [rows, size], reads, code },
      writes: [
        ...[set(rowsOf(out, pitch, 0), 7), set(rowsOf(out, pitch, apart), 8), set(rowsOf(out, pitch, 2 * apart), 9)],
        ...[set(reads[3]!, 14), set(reads[4]!, 12)],
        { store: sums, offset: 0, strides: [0, 1], register: 14, how: "sum" },
      ],
    };
    const begun = new Map(
      [gates, state, bias].map((store) => [
        store,
        Float32Array.from({ length: store.size }, (_, i) => ((i * 37) % 64) / 16 - 2),
      ]),
    );
    compare(kernels, [step], { begun, close: 1e-5 });
  });
});
