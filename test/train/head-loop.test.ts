// Steps of a head alone: where the number of examples is known they are taken in coordinates of the examples, and come out as the steps
// over all weights do, which is how a file for any number of examples takes them.
import { evaluate, grad, input, type Learner, type ShapedNumbers, topological } from "@innerloop/graph";
import { anil, Flatten, Linear, sequential, Tanh } from "@innerloop/train";
import { expect, test } from "vitest";
import { randomNumbers, size } from "../graph/numbers.ts";

const [examples, queries, ways] = [6, 4, 3];
const learner = (head: "prototypes" | "learned"): Learner =>
  anil(sequential([5], [Linear(24), Tanh, Flatten, Linear(ways)]), {
    head,
    steps: 3,
    innerRate: 0.5,
    learnRates: true,
  });

const next = randomNumbers(11);
const numbers = (shape: readonly number[]): ShapedNumbers => ({
  shape,
  data: Float64Array.from({ length: size(shape) }, () => next()),
});

/** What comes out of adapting and of the meta-gradient, for a number of support examples that is known or open. */
function graphOf(head: "prototypes" | "learned", support: number | string) {
  const { parameters: specs, adapt, predict, loss } = learner(head);
  const parameters = Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, input(name, shape)]));
  const { state, losses, guard } = adapt(
    parameters,
    { x: input("support_x", [support, 5]), y: input("support_y", [support], "int64") },
    { steps: 3, ways, balanced: true },
  );
  const predictions = predict(parameters, state, input("query_x", [queries, 5]));
  const slopes = grad(loss(predictions, input("query_y", [queries], "int64")), Object.values(parameters));
  return [...Object.values(state), losses, guard!.kept, guard!.scale, predictions, ...slopes];
}

const feeds = (head: "prototypes" | "learned"): Record<string, ShapedNumbers> => ({
  ...Object.fromEntries(
    Object.entries(learner(head).parameters).map(([name, { shape }]) => [
      name,
      name.startsWith("rate/") ? { shape, data: Float64Array.of(2) } : numbers(shape),
    ]),
  ),
  ...{ support_x: numbers([examples, 5]), support_y: { shape: [examples], data: Float64Array.of(0, 1, 2, 0, 1, 2) } },
  ...{ query_x: numbers([queries, 5]), query_y: { shape: [queries], data: Float64Array.of(0, 1, 2, 0) } },
});

test.each(["prototypes", "learned"] as const)("are the same in either coordinates, meta-gradients too: %s", (head) => {
  const given = feeds(head);
  const [known, open] = [graphOf(head, examples), graphOf(head, "support")];
  const [a, b] = [evaluate(known, given), evaluate(open, given)];
  a.forEach(({ data }, i) => {
    const most = Math.max(1, ...Array.from(b[i]!.data, (number) => Math.abs(Number(number))));
    data.forEach((number, at) => {
      expect(Math.abs(Number(number) - Number(b[i]!.data[at])) / most).toBeLessThan(1e-10);
    });
  });
});

test("go over fewer large arrays where there are few examples", () => {
  const large = (support: number | string) =>
    topological(graphOf("prototypes", support)).filter(
      ({ operator: { family }, outputs: [y] }) => family !== "movement" && y.shape.join() === `24,${ways}`,
    ).length;
  expect(large(examples)).toBeLessThan(large("support") / 3);
});
