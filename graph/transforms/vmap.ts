// Batching: the graph of one task becomes the graph of many tasks at once, with a leading task axis.
import { InnerloopError } from "@innerloop/schemas";
import { input, inScopeOf } from "../core/build.ts";
import type { Dim } from "../core/dims.ts";
import { zip } from "../core/lists.ts";
import { type Node, operandsOf, type Value } from "../core/value.ts";
import { dependencies, inOrder } from "../core/walk.ts";
import { Expand } from "../ops/movement.ts";

/**
 * Runs `build` on one slice of each argument along axis 0, for all slices at once.
 * @param args each with a leading axis of the same size T; what `build` closes over is shared by all tasks
 * @returns what `build` returns, each with a leading axis of size T
 */
export function vmap(build: (...slices: Value[]) => readonly Value[], args: readonly Value[]): Value[] {
  const tasks = args[0]?.shape[0];
  if (tasks === undefined || args.some((value) => value.shape[0] !== tasks))
    throw new InnerloopError(
      "shape-mismatch",
      `vmap(${args.join(", ")}): every argument needs a leading axis of the same size.`,
      { exitStatus: 2 },
    );
  const slices = args.map((value, i) => input(`slice${i}`, value.shape.slice(1), value.dtype));
  return batchOutputs(build(...slices), new Map(zip(slices, args, (slice, arg) => [slice, arg])), tasks);
}

/** `outputs` with some values replaced by batches of them (axis 0), everything that depends on these batched too. */
export function batchOutputs(outputs: readonly Value[], batches: ReadonlyMap<Value, Value>, tasks: Dim): Value[] {
  const batched = new Map<Value, Value>(batches);
  const run = (values: readonly Value[], known: (value: Value) => boolean) => {
    for (const node of inOrder(values, known, dependencies)) {
      const flags = node.inputs.map((value) => value !== undefined && batched.has(value));
      if (!flags.includes(true)) continue;
      const results = inScopeOf(node, () => batchNode(node, flags));
      zip(node.outputs, results, (output, result) => batched.set(output, result));
    }
  };
  const batchNode = (node: Node, flags: readonly boolean[]): readonly Value[] => {
    const { batch, decompose, name } = node.operator;
    const inputs = node.inputs.map((value) => value && (batched.get(value) ?? value));
    if (batch) return batch(inputs, flags, node.attributes, node.inputs);
    if (!decompose)
      throw new InnerloopError(
        "unsupported-operator",
        `${name} has no batching rule; for a Loop, give the number of steps as a number so that it is unrolled.`,
      );
    const parts = decompose(node.inputs, node.attributes);
    const given = new Set(operandsOf(node));
    run(parts, (value) => given.has(value));
    return parts.map(result);
  };
  const result = (value: Value): Value => batched.get(value) ?? Expand(value, [tasks, ...value.shape]);
  run(outputs, (value) => batches.has(value));
  return outputs.map(result);
}
