// The meta-gradient of a small network through the inner loop, for engines.
import { grad, innerLoop, input, op, type Parameters, type Value, vmap } from "@innerloop/graph";
import type { Tensor } from "@innerloop/schemas";
import { type Case, reference, tensor } from "./case.ts";

/** A network with what the models here are made of, smooth so that float32 and float64 see the same branches. */
function network(p: Parameters, x: Value): Value {
  const first = op.Add(
    op.MaxPooling(op.Convolution(x, p.conv1!, { pads: [1, 1, 1, 1] }), [2, 2], { strides: [2, 2] }),
    p.bias1!,
  );
  const hidden = op.Tanh(op.Normalize(first, p.gain1!, p.shift1!, "layer"));
  const second = op.Convolution(hidden, p.conv2!, { pads: [1, 1, 1, 1], strides: [2, 2] });
  const features = op.Silu(op.Normalize(second, p.gain2!, p.shift2!, "layer"));
  return op.Add(op.MatMul(op.Flatten(features), p.head!), p.headBias!);
}

const parameters: Readonly<Record<string, Tensor>> = {
  conv1: tensor([3, 3, 2, 4], -0.5, 0.5),
  bias1: tensor([4], -0.1, 0.1),
  gain1: tensor([4], 0.8, 1.2),
  shift1: tensor([4], -0.1, 0.1),
  conv2: tensor([3, 3, 4, 4], -0.4, 0.4),
  gain2: tensor([4], 0.8, 1.2),
  shift2: tensor([4], -0.1, 0.1),
  head: tensor([16, 3], -0.4, 0.4),
  headBias: tensor([3], -0.1, 0.1),
};

/** The names of what moves. */
export const names = Object.keys(parameters);

/** The meta-loss of second-order MAML with two inner steps, over one task or over some at once, and its gradient. */
function metaGradient(tasks?: number): Omit<Case, "title"> {
  const lead = tasks === undefined ? [] : [tasks];
  const theta = Object.fromEntries(names.map((name) => [name, input(name, parameters[name]!.shape)]));
  const data = {
    supportX: tensor([...lead, 6, 8, 8, 2], -1, 1),
    supportY: tensor([...lead, 6], 0, 2, "int64"),
    queryX: tensor([...lead, 4, 8, 8, 2], -1, 1),
    queryY: tensor([...lead, 4], 0, 2, "int64"),
  };
  const loss = (p: Parameters, x: Value, y: Value): Value => op.SoftmaxCrossEntropyLoss(network(p, x), y);
  const task = (sx: Value, sy: Value, qx: Value, qy: Value): Value => {
    const rates = Object.fromEntries(names.map((name) => [name, 0.1]));
    const { adapted } = innerLoop((p) => loss(p, sx, sy), theta, { steps: 2, rates });
    return loss(adapted, qx, qy);
  };
  const inputs = Object.entries(data).map(([name, { shape, dtype }]) => input(name, shape, dtype)) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const total =
    tasks === undefined
      ? task(...inputs)
      : op.ReduceMean(vmap((...x) => [task(...(x as typeof inputs))], inputs)[0]!, { keepdims: false });
  return {
    outputs: [total, ...grad(total, Object.values(theta))],
    feeds: { ...parameters, ...data },
  };
}

export const metaCases: readonly (Case & { readonly expected: ReturnType<typeof reference> })[] = [
  { title: "the meta-gradient of one task", ...metaGradient() },
  { title: "the meta-gradient of three tasks at once", ...metaGradient(3) },
].map((it) => ({ ...it, expected: reference(it.outputs, it.feeds) }));
