// Blocks looked up and put in by lists of indices.
import { op } from "@innerloop/graph";
import { type Device, type Kernel, kernel, type Place, type Tensor, tensorAt } from "../kernel.ts";
import { sizeAt } from "../shapes.ts";

const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** How operands are taken: the axes that are named, and what each block has; an index each in a row. */
function blocksOf(x: Place, indices: Place) {
  const depth = sizeAt(indices.shape, -1);
  const lead = x.shape.slice(0, depth);
  const block = count(x.shape.slice(depth));
  return { lead, block, whole: [...lead, block], rows: [count(indices.shape.slice(0, -1)), depth] };
}

/** Indices that all count from the start. */
function fromStart(device: Device, lead: readonly number[]): (indices: Tensor) => Tensor {
  const sizes = device.table(`sizes ${lead}`, () => Int32Array.from(lead), [lead.length]);
  return (indices) => device.run("Mod", { a: indices, b: sizes });
}

const gather = kernel(op.GatherND, ({ inputs: [x, indices] }, device) => {
  const { lead, block, whole, rows } = blocksOf(x, indices);
  const normal = fromStart(device, lead);
  return {
    takes: [whole, rows],
    gives: [[sizeAt(rows, 0), block]],
    run: (tensors) => [
      device.tidy(() =>
        device.run("GatherNd", { params: tensorAt(tensors, 0), indices: normal(tensorAt(tensors, 1)) }),
      ),
    ],
  };
});

const scatter = kernel(op.ScatterND, ({ inputs: [x, indices], attributes: { reduction } }, device) => {
  const { lead, block, whole, rows } = blocksOf(x, indices);
  const normal = fromStart(device, lead);
  const held = [sizeAt(rows, 0), block];
  const half = device.number(0.5, "float32");
  const put = (at: Tensor, updates: Tensor) => device.run("ScatterNd", { indices: at, updates }, { shape: whole });
  return {
    takes: [whole, rows, held],
    gives: [whole],
    run: (tensors) => [
      device.tidy(() => {
        const [to, places, updates] = [tensorAt(tensors, 0), normal(tensorAt(tensors, 1)), tensorAt(tensors, 2)];
        const added = put(places, updates);
        if (reduction === "add") return device.run("Add", { a: to, b: added });
        const ones = device.run("Fill", {}, { shape: held, value: 1, dtype: "float32" });
        const condition = device.run("Greater", { a: put(places, ones), b: half });
        return device.run("Select", { condition, t: added, e: to });
      }),
    ],
  };
});

export const indexingKernels: readonly Kernel[] = [gather, scatter];
