// A loop in a loop, which reads what the outer one carries: a file has each in its place, and gives what evaluating gives.
import { constant, evaluate, input, op, type Value, writeOnnx } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { expect, test } from "vitest";

const count = (turns: number): Value => constant(turns, [], "int64");

test("a loop in a loop reads what the outer one carries", async () => {
  const [x, w] = [input("x", [3]), input("w", [3])];
  const { carried } = op.Loop(
    count(3),
    [x],
    (v) => {
      // Half is of the outer turn alone; the sum in the inner body is of both.
      const half = op.Mul(v!, 0.5);
      const inner = op.Loop(
        count(2),
        [op.Add(half, w)],
        (u) => ({ carried: [op.Add(op.Mul(u!, half), w)], collected: [] }),
        "j",
      );
      return { carried: [op.Tanh(inner.carried[0]!)], collected: [] };
    },
    "i",
  );
  const feeds = { x: [0.3, -0.4, 1.5], w: [0.2, 0.7, -0.6] };
  const byHand = feeds.x.map((start, i) => {
    let v = start;
    for (let turn = 0; turn < 3; turn++) {
      const [half, by] = [v / 2, feeds.w[i]!];
      let u = half + by;
      for (let again = 0; again < 2; again++) u = u * half + by;
      v = Math.tanh(u);
    }
    return v;
  });
  const [evaluated] = evaluate(
    [carried[0]!],
    Object.fromEntries(Object.entries(feeds).map(([name, data]) => [name, { shape: [3], data }])),
  );
  const session = await openSession(writeOnnx({ y: carried[0]! }), { provider: "cpu" });
  const { y } = await session.run(
    Object.fromEntries(
      Object.entries(feeds).map(([name, data]) => [
        name,
        { dtype: "float32" as const, shape: [3], data: Float32Array.from(data) },
      ]),
    ),
  );
  await session.dispose();
  byHand.forEach((value, i) => {
    expect(evaluated!.data[i]).toBeCloseTo(value, 12);
    expect(Number(y!.data[i])).toBeCloseTo(value, 6);
  });
});
