// Random lives: examples come and go, changes are undone, saved, restored and aborted, learners are disposed of, many calls
// at a time. After every call the answers have to be those of a model of a few lines, and nothing may leak.
// INNERLOOP_RANDOM_CALLS says how many calls are made.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { step } from "./life-model.ts";
import { World } from "./life-world.ts";

const CALLS = Number(process.env.INNERLOOP_RANDOM_CALLS ?? 3000);

const collectGarbage = (() => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
})();

async function memory() {
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collectGarbage();
  }
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  return { js: heapUsed + external + arrayBuffers, rss };
}

describe("a random life", () => {
  const sessions = { opened: 0, released: 0 };
  const unhandled: unknown[] = [];
  const listen = (reason: unknown) => unhandled.push(reason);
  const world = new World();
  let restore: () => void;

  beforeAll(async () => {
    process.on("unhandledRejection", listen);
    const { InferenceSession } = (await import("onnxruntime-node")).default;
    const create = InferenceSession.create;
    // By hand, since a mock would keep every model that was opened.
    const counted = async (...given: unknown[]) => {
      const session = await (create as (...given: unknown[]) => ReturnType<typeof create>).apply(
        InferenceSession,
        given,
      );
      const release = session.release.bind(session);
      sessions.opened++;
      session.release = async () => {
        sessions.released++;
        await release();
      };
      return session;
    };
    Object.assign(InferenceSession, { create: counted });
    restore = () => Object.assign(InferenceSession, { create });
    await world.begin();
  });
  afterAll(() => {
    process.off("unhandledRejection", listen);
    restore();
  });

  it(
    `of ${CALLS} calls gives no wrong answer and leaks nothing`,
    async () => {
      const property = fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 200, size: "max" }),
        async (steps) => {
          world.reset();
          for (const one of steps) await world.take(one);
          await world.settle();
        },
      );
      let early: Awaited<ReturnType<typeof memory>> | undefined;
      for (let round = 1; world.calls < CALLS; round++) {
        await fc.assert(property, { numRuns: 5, seed: round });
        if (world.calls >= CALLS / 4) early ??= await memory();
      }
      const late = await memory();
      await Promise.all(Object.values(world.learners).map((learner) => learner.dispose()));
      expect(sessions.opened).toBeGreaterThan(0);
      expect(sessions.released).toBe(sessions.opened);
      expect(unhandled).toEqual([]);
      const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20);
      console.log(
        `${world.calls} calls, ${sessions.opened} sessions opened and released; memory after a quarter and at the end: ` +
          `${megabytes(early!.js)} and ${megabytes(late.js)} MiB of JavaScript, ${megabytes(early!.rss)} and ${megabytes(late.rss)} MiB of the process`,
      );
      expect(late.js - early!.js).toBeLessThan(20 * 2 ** 20);
      expect(late.rss - early!.rss).toBeLessThan(100 * 2 ** 20);
    },
    60_000 + CALLS * 20,
  );
});
