// The body that a TypeScript team would have without meta-learning: the same conv4, trained to tell all training classes
// apart.
import { InnerloopError, type Tensor } from "@innerloop/schemas";
import { conv4, fit, type TaskSource } from "@innerloop/train";
import { type Body, strides } from "./body.ts";

/** Trains it on every example of every training class. */
export async function trainPlainBody(
  tasks: TaskSource,
  { filters, epochs }: { readonly filters: number; readonly epochs: number },
): Promise<Body> {
  const ways = tasks.classCount("train");
  if (!Number.isFinite(ways))
    throw new InnerloopError(
      "wrong-data",
      `${tasks.name} has classes without end; a data set with a number of them was expected.`,
      { exitStatus: 2 },
    );
  // One episode with every class and all but one of its examples in the support set is the whole data set.
  const { x, y } = tasks.episode("train", 0, 0, { ways, shots: 19, queries: 1 }).support;
  const model = conv4(tasks.inputShape, ways, { filters, strides });
  const { weights } = await fit(model, x, y, {
    optimizer: { kind: "adam", rate: 2e-3 },
    epochs,
    batch: 128,
    onEpoch: ({ epoch, loss }) =>
      void process.stderr.write(`the plain body, epoch ${epoch} of ${epochs}: loss ${loss.toFixed(3)}\n`),
  });
  return { model, weights: withoutHead(weights) };
}

const withoutHead = (weights: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(weights).filter(([name]) => !name.startsWith("head.")));
