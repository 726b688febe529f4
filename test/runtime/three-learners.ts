// The three fixtures' learners, open while the tests of a file run, and what can be seen of a Personal.
import { Learner, type Personal } from "@innerloop/runtime";
import { afterAll } from "vitest";
import { writeBundle } from "./fixture.ts";

const CPU = { provider: "cpu" } as const;

export const linear = await Learner.load(writeBundle("linear"), CPU);
export const prototypes = await Learner.load(writeBundle("prototypes"), CPU);
export const line = await Learner.load(writeBundle("line"), { ...CPU, task: "regression" });
afterAll(() => Promise.all([linear, prototypes, line].map((learner) => learner.dispose())));

/** Numbers along a line, an example each. */
export const points = (...data: number[]) => ({ data, shape: [data.length, 1] });

/** All of it that can be seen. */
export async function whole(mine: Personal<"classification"> | Personal<"regression">) {
  const { labels, examples, supportLoss, state, check, ready } = mine;
  return { labels, examples, supportLoss, state, check, ready, bytes: await mine.toBytes() };
}
