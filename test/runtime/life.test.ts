// Random lives: examples come and go, changes are undone, saved, restored and aborted, learners are disposed of, many calls
// at a time. After every call the answers have to be those of a model of a few lines, and nothing may leak.
// INNERLOOP_RANDOM_CALLS says how many calls are made.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  type ClassPrediction,
  type InnerloopError,
  type LabelledExample,
  Learner,
  type Personal,
} from "@innerloop/runtime";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeBundle } from "./fixture.ts";
import { descend, expectClose, noise, prototypes } from "./oracle.ts";

const CALLS = Number(process.env.INNERLOOP_RANDOM_CALLS ?? 3000);
const CPU = { provider: "cpu" } as const;
const KEY = Uint8Array.from({ length: 32 }, (_, index) => index);
const USERS = 3;

type BundleName = "linear" | "prototypes";
const SIZE = { linear: 4, prototypes: 2 } as const;
const WAYS = { linear: 3, prototypes: Number.POSITIVE_INFINITY } as const;

/** A call, with numbers that are taken modulo what there is to choose from. */
const step = fc.record({
  kind: fc.oneof(
    { weight: 60, arbitrary: fc.constant("predict" as const) },
    { weight: 50, arbitrary: fc.constant("add" as const) },
    { weight: 60, arbitrary: fc.constantFrom("remove example", "remove label", "relabel", "undo") },
    {
      weight: 40,
      arbitrary: fc.constantFrom(
        "adapt",
        "adapt wrongly",
        "start",
        "save",
        "evaluate",
        "predict wrongly",
        "predict untaught",
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom("add wrongly", "remove wrongly", "abort", "abort later", "watch", "check"),
    },
    { weight: 1, arbitrary: fc.constant("dispose" as const) },
  ),
  user: fc.nat(USERS - 1),
  label: fc.constantFrom("a", "b", "c", "d", "__proto__"),
  count: fc.integer({ min: 1, max: 4 }),
  pick: fc.nat(1000),
  seed: fc.nat(10_000),
  /** Whether the next call waits for this one. */
  awaited: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Kept {
  readonly id: string;
  readonly label: string;
  readonly data: Float32Array;
}

/** What one user's examples should be, and what should be answered with them. */
class Model {
  readonly bundle: BundleName;
  examples: readonly Kept[] = [];
  readonly past: (readonly Kept[])[] = [];
  /** All that the examples were since the last call that is known to be done. */
  open: (readonly Kept[])[] = [this.examples];
  next = 1;

  constructor(bundle: BundleName) {
    this.bundle = bundle;
  }

  get labels(): string[] {
    return labelsOf(this.examples);
  }

  /** Changes the examples; the code with which this has to be refused, if so. */
  change(examples: readonly Kept[]): string | undefined {
    if (labelsOf(examples).length > WAYS[this.bundle]) return "bad-input";
    this.past.push(this.examples);
    if (this.past.length > 16) this.past.shift();
    this.now(examples);
    return undefined;
  }

  undo(): boolean {
    const before = this.past.pop();
    if (before !== undefined) this.now(before);
    return before !== undefined;
  }

  now(examples: readonly Kept[]): void {
    this.examples = examples;
    this.open.push(examples);
  }

  named(examples: readonly LabelledExample[]): Kept[] {
    return examples.map(({ label, data }, index) => ({
      id: `#${this.next + index}`,
      label,
      data: data as Float32Array,
    }));
  }
}

function labelsOf(examples: readonly Kept[]): string[] {
  return [...new Set(examples.map(({ label }) => label))];
}

/** The probabilities that a query should get; nothing where there is nothing to tell apart. */
function expected(bundle: BundleName, examples: readonly Kept[], query: Float32Array): [string, number][] | undefined {
  const labels = labelsOf(examples);
  if (labels.length < 2) return undefined;
  const x = examples.map(({ data }) => data);
  const y = examples.map(({ label }) => labels.indexOf(label));
  const fitted = bundle === "linear" ? descend(x, y, labels.length, 5) : prototypes(x, y, labels.length);
  return fitted.predict(query).map((probability, index) => [labels[index]!, probability]);
}

function matches(actual: ClassPrediction | InnerloopError, wanted: [string, number][] | undefined): boolean {
  if (wanted === undefined) return "code" in actual && actual.code === "not-adapted";
  if ("code" in actual) return false;
  const given = Object.entries(actual.probabilities);
  return (
    given.length === wanted.length &&
    given.every(([label, value], index) => label === wanted[index]![0] && Math.abs(value - wanted[index]![1]) < 1e-5)
  );
}

/** Two learners, their users, and what these should be. */
class World {
  readonly folders = { linear: writeBundle("linear"), prototypes: writeBundle("prototypes") };
  learners!: Record<BundleName, Learner>;
  users: { mine: Personal; model: Model }[] = [];
  calls = 0;
  #running: Promise<unknown>[] = [];

  async begin(): Promise<void> {
    const [linear, proto] = await Promise.all([
      Learner.load(this.folders.linear, CPU),
      Learner.load(this.folders.prototypes, CPU),
    ]);
    this.learners = { linear, prototypes: proto };
  }

  reset(): void {
    this.users = Array.from({ length: USERS }, (_, index) => this.#newUser(bundleOf(index)));
  }

  #newUser(bundle: BundleName) {
    return { mine: this.learners[bundle].start(), model: new Model(bundle) };
  }

  /** Waits for all that runs; what is found wrong is thrown here. */
  async settle(): Promise<void> {
    const running = this.#running;
    this.#running = [];
    const failed = (await Promise.allSettled(running)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    for (const { model } of this.users) model.open = [model.examples];
  }

  async take(it: Step): Promise<void> {
    this.calls++;
    const user = this.users[it.user]!;
    const { mine, model } = user;
    const size = SIZE[model.bundle];
    const learner = this.learners[model.bundle];
    const examples = Array.from({ length: it.count }, (_, index) => ({
      label: it.label,
      data: noise(it.seed + index, size),
    }));
    const query = noise(it.seed + 77, size);
    const chosen = model.examples[it.pick % Math.max(1, model.examples.length)];

    switch (it.kind) {
      case "predict": {
        const { open } = model;
        const start = open.length - 1;
        const answer = mine.predict(query).catch((error: InnerloopError) => error);
        // It may be answered with any state from the last that was surely reached to the last that was asked for.
        const until = [...open.slice(0, start + 1)];
        this.#expect(
          answer.then((given) => {
            const possible = until.map((state) => expected(model.bundle, state, query));
            if (!possible.some((wanted) => matches(given, wanted))) expect(given).toEqual(possible);
          }),
        );
        break;
      }
      case "add": {
        const named = model.named(examples);
        const code = model.change([...model.examples, ...named]);
        if (code === undefined) model.next += named.length;
        const data = examples.map((example) => example.data);
        const batch = {
          data: Float32Array.from(data.flatMap((row) => [...row])),
          shape: [it.count, ...learner.manifest.input.shape],
        };
        const forms = [
          () => mine.add(it.label, data),
          () => mine.add(examples),
          () => mine.add(it.label, batch),
          () => mine.add({ ...batch, labels: examples.map(({ label }) => label) }),
        ];
        const ids = named.map(({ id }) => id);
        const call = forms[it.pick % forms.length]!();
        // What was handed in is the caller's again.
        batch.data.fill(Number.NaN);
        this.#outcome(call, code, ids);
        break;
      }
      case "remove example":
        if (chosen === undefined) break;
        this.#outcome(mine.remove(chosen.id), model.change(model.examples.filter((example) => example !== chosen)));
        break;
      case "remove label":
        if (chosen === undefined) break;
        this.#outcome(
          mine.remove(chosen.label),
          model.change(model.examples.filter(({ label }) => label !== chosen.label)),
        );
        break;
      case "relabel": {
        if (chosen === undefined) break;
        const changed = model.examples.map((example) =>
          example === chosen ? { ...example, label: it.label } : example,
        );
        this.#outcome(mine.relabel(chosen.id, it.label), model.change(changed));
        break;
      }
      case "undo":
        this.#outcome(mine.undo(), undefined, model.undo());
        break;
      case "add wrongly": {
        const wrong: (() => Promise<unknown>)[] = [
          () => mine.add(it.label, [query, Float32Array.from(query, () => Number.NaN)]),
          () => mine.add("", query),
          () => mine.add(it.label, []),
          () => mine.add(it.label, query.slice(1)),
          () => mine.add(it.label, new Float32Array(size)),
          () => mine.add([{ label: it.label, data: undefined as never }]),
        ];
        this.#outcome(wrong[it.pick % wrong.length]!(), "bad-input");
        break;
      }
      case "remove wrongly": {
        const wrong = [
          () => mine.remove("#0"),
          () => mine.remove("e"),
          () => mine.relabel("#0", "a"),
          () => mine.remove(undefined as never),
        ];
        this.#outcome(wrong[it.pick % wrong.length]!(), "bad-input");
        break;
      }
      case "predict wrongly":
        this.#outcome(mine.predictBatch([query.slice(1)]), ["bad-input", "not-adapted"]);
        break;
      case "predict untaught":
        if (model.bundle === "prototypes") this.#outcome(learner.predict(query), "not-adapted");
        else
          this.#expect(
            learner
              .predict(query)
              .then(({ probabilities }) =>
                expectClose(Object.values(probabilities), descend([], [], 3, 0).predict(query), 1e-5),
              ),
          );
        break;
      case "adapt": {
        // Two labels at least, so that it is accepted where the bundle has room for them.
        const more = [...examples, { label: "other", data: query }];
        const made = await this.#alone(learner.adapt(more));
        user.mine = made;
        user.model = new Model(model.bundle);
        user.model.examples = user.model.named(more);
        user.model.open = [user.model.examples];
        user.model.next += more.length;
        break;
      }
      case "adapt wrongly":
        this.#outcome(learner.adapt(examples), "bad-input");
        break;
      case "start":
        await this.settle();
        this.users[it.user] = this.#newUser(model.bundle);
        break;
      case "save": {
        const options = it.pick % 2 ? { key: KEY } : {};
        // Without waiting: what is saved is what the calls before it made.
        const bytes = await this.#alone(mine.toBytes(options));
        const again = await learner.restore(bytes, options);
        expect(again.state).toEqual(mine.state);
        expect(again.supportLoss).toEqual(mine.supportLoss);
        expect(again.labels).toEqual(mine.labels);
        expect(await again.toBytes()).toEqual(await mine.toBytes());
        user.mine = again;
        model.past.length = 0;
        break;
      }
      case "evaluate": {
        await this.settle();
        const known = model.labels;
        if (known.length < 2) {
          this.#outcome(mine.evaluate(examples), "not-adapted");
          break;
        }
        const asked = examples.map(({ data }, index) => ({ data, label: known[(it.pick + index) % known.length]! }));
        const wanted = asked.map(({ data }) => expected(model.bundle, model.examples, data)!);
        const chances = wanted.map((row, index) => new Map(row).get(asked[index]!.label)!);
        const right = wanted.filter((row, index) => row.every(([, chance]) => chance <= chances[index]!));
        const { loss, accuracy } = await this.#alone(mine.evaluate(asked));
        expect(loss).toBeCloseTo(chances.reduce((sum, p) => sum - Math.log(p), 0) / asked.length, 3);
        expect(accuracy).toBe(right.length / asked.length);
        break;
      }
      case "abort": {
        const signal = AbortSignal.abort();
        const calls = [
          () => mine.add(it.label, query, { signal }),
          () => learner.adapt([...examples, { label: "other", data: query }], { signal }),
        ];
        this.#outcome(calls[it.pick % 2]!(), "aborted");
        break;
      }
      case "abort later": {
        await this.settle();
        const controller = new AbortController();
        setTimeout(() => controller.abort(), it.pick % 3);
        const named = model.named(examples);
        const done = await mine
          .add(
            it.label,
            examples.map(({ data }) => data),
            { signal: controller.signal },
          )
          .then(
            () => undefined,
            (error: InnerloopError) => error.code,
          );
        if (done === undefined) {
          expect(model.change([...model.examples, ...named])).toBeUndefined();
          model.next += named.length;
        } else if (done !== "aborted") {
          expect(done).toBe("bad-input");
          expect(labelsOf([...model.examples, ...named]).length).toBeGreaterThan(WAYS[model.bundle]);
        }
        break;
      }
      case "watch": {
        await this.settle();
        const losses: number[] = [];
        const named = model.named(examples);
        const code = model.change([...model.examples, ...named]);
        if (code === undefined) model.next += named.length;
        const call = mine.add(examples, { onProgress: ({ loss }) => losses.push(loss) });
        this.#outcome(
          call,
          code,
          named.map(({ id }) => id),
        );
        if (code === undefined) this.#expect(call.then(() => expectClose(losses, mine.supportLoss, 1e-6)));
        await this.settle();
        break;
      }
      case "check": {
        const named = model.named(examples);
        const code = model.change([...model.examples, ...named]);
        if (code === undefined) model.next += named.length;
        this.#outcome(mine.add(examples, { check: true }), code);
        break;
      }
      case "dispose": {
        // What runs goes on to its end; what comes later is refused; what was saved goes on with the learner loaded anew.
        const done = Promise.all(Object.values(this.learners).map((one) => one.dispose()));
        for (const [call, code] of [
          [mine.add(it.label, query), "disposed"],
          [mine.undo(), "disposed"],
          [learner.adapt(examples), "disposed"],
        ] as const) {
          this.#outcome(call, code);
        }
        await done;
        await this.settle();
        const saved = await Promise.all(this.users.map((one) => one.mine.toBytes()));
        await this.begin();
        for (const [index, { model: kept }] of this.users.entries()) {
          this.users[index]!.mine = await this.learners[kept.bundle].restore(saved[index]!);
          kept.past.length = 0;
        }
        break;
      }
    }
    if (it.awaited) await this.settle();
    if (it.awaited) this.#compare();
  }

  /** Between calls, everything that can be seen is as the model has it. */
  #compare(): void {
    for (const { mine, model } of this.users) {
      expect(mine.examples).toEqual(model.examples.map(({ id, label }) => ({ id, label })));
      expect(mine.labels).toEqual(model.labels);
      expect(mine.ready).toBe(model.labels.length > 1);
    }
  }

  async #alone<T>(call: Promise<T>): Promise<T> {
    const [result] = await Promise.all([call, this.settle()]);
    return result;
  }

  #expect(check: Promise<unknown>): void {
    check.catch(() => undefined);
    this.#running.push(check);
  }

  /** @param code with which it has to be refused, if so */
  #outcome(call: Promise<unknown>, code: string | readonly string[] | undefined, value?: unknown): void {
    this.#expect(
      call.then(
        (result) => {
          if (code !== undefined) throw new Error(`${code} was expected`);
          if (value !== undefined) expect(result).toEqual(value);
        },
        (error: InnerloopError) => {
          if (code === undefined) throw error;
          expect(code).toContain(error.code);
        },
      ),
    );
  }
}

function bundleOf(user: number): BundleName {
  return user % 2 === 0 ? "linear" : "prototypes";
}

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
