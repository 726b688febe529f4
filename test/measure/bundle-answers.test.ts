// A bundle answers episodes over worker threads as it does without them: the same numbers, in the order of the questions, with the
// errors where they belong, and no more questions drawn than are worked on.
import { join } from "node:path";
import { defaultBundle } from "@innerloop/demo";
import { exportAdaptable } from "@innerloop/export";
import { type Answers, BundleAnswers, evaluateBundle, type Question } from "@innerloop/measure";
import { kernelsHere, native } from "@innerloop/native";
import { Learner } from "@innerloop/runtime";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { openTasks } from "@innerloop/train";
import { describe, expect, it, vi } from "vitest";
import { writeBundle } from "../runtime/fixture.ts";
import { expectClose } from "../runtime/oracle.ts";
import { describeUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { readRecorded } from "../support/recorded.ts";

const ways = 3;

async function questions(count: number): Promise<Question[]> {
  const tasks = await openTasks("glyphs");
  return Array.from({ length: count }, (_, i) => {
    const { support, query } = tasks.episode("test", 3, i, { ways, shots: 1, queries: 2 });
    return { support, query: query.x, ways, steps: [0, 1, 2], outsiders: query.x };
  });
}

/** Four examples of a shape, and six queries. */
function madeUp(shape: readonly number[]): Question {
  const tensor = (rows: number) => {
    const data = Float32Array.from({ length: sizeOf(shape) * rows }, (_, i) => Math.sin(3 * i));
    return { dtype: "float32", shape: [rows, ...shape], data } as const;
  };
  const y = { dtype: "int32", shape: [4], data: Int32Array.of(1, 0, 2, 1) } as const;
  return { support: { x: tensor(4), y }, query: tensor(6), ways, steps: [0, 1, 2] };
}

type Kernels = "onnxruntime" | "native";

async function all(
  kernels: Kernels,
  place: string,
  asked: readonly Question[],
  workers: number,
): Promise<(readonly Answers[])[]> {
  const bundle = await BundleAnswers.open(place, { provider: "cpu", kernels, workers });
  try {
    const found: (readonly Answers[])[] = [];
    for await (const { question, answers } of bundle.each(asked, asked.length)) {
      expect(question).toBe(asked[found.length]);
      found.push(answers);
    }
    return found;
  } finally {
    await bundle.dispose();
  }
}

/** The logits to the queries of a question after each number of steps. */
async function byRuntime(kernels: Kernels, place: string, { support, query, steps }: Question): Promise<number[][]> {
  const by = kernels === "native" ? { kernels: native } : {};
  const learner = await Learner.load(place, { provider: "cpu", threads: 1, ...by });
  const labels = Array.from(support.y.data, String);
  const batch = ({ data, shape }: Question["query"]) => ({ data: data as Float32Array, shape });
  const found: number[][] = [];
  for (const count of steps) {
    const mine = await learner.adapt({ ...batch(support.x), labels }, { steps: count });
    const answers = await mine.predictBatch(batch(query));
    const columns = Array.from({ length: ways }, (_, way) => mine.labels.indexOf(String(way)));
    found.push(answers.flatMap((answer) => columns.map((column) => answer.logits[column]!)));
  }
  await learner.dispose();
  return found;
}

for (const kernels of ["onnxruntime", "native"] as const)
  describeUnless(
    kernels === "onnxruntime" || kernelsHere() ? undefined : "kernels are not built",
    `the answers of a bundle on ${kernels}`,
    () => {
      it("are those of the runtime, bit for bit, over any number of threads", async () => {
        const asked = await questions(5);
        const [alone, one, two] = await Promise.all(
          [0, 1, 2].map((workers) => all(kernels, defaultBundle, asked, workers)),
        );
        expect(one).toEqual(alone);
        expect(two).toEqual(alone);
        for (const [steps, logits] of (await byRuntime(kernels, defaultBundle, asked[4]!)).entries()) {
          const found = Array.from(two![4]![steps]!.queries);
          if (steps === 2) expect(found).toEqual(logits);
          // Heads of several numbers of steps answer together, where a sum may be taken in another order.
          else expectClose(found, logits, 1e-6);
        }
        expect(two![4]!.map(({ outsiders }) => outsiders.length)).toEqual([0, 0, 2 * ways * ways]);
      }, 240_000);

      it("are those of the runtime after each number of steps where the head has its classes from the start", async () => {
        const question = madeUp([2, 2, 1]);
        const place = writeBundle("linear");
        const [answers] = await all(kernels, place, [question], 0);
        expect(answers!.map(({ queries }) => Array.from(queries))).toEqual(await byRuntime(kernels, place, question));
      });

      it("are those of the runtime where a logit depends on the other classes as well", async () => {
        const question = madeUp([2]);
        const place = writeBundle("shares");
        const [answers] = await all(kernels, place, [question], 0);
        expect(answers!.map(({ queries }) => Array.from(queries))).toEqual(await byRuntime(kernels, place, question));
      });
    },
  );

/** Four examples of two by two numbers and six queries, with something else. */
function changed(change: Partial<Question> | ((question: Question) => void)): Question {
  const question = { ...madeUp([2, 2, 1]), steps: [3] };
  if (typeof change === "object") return { ...question, ...change };
  change(question);
  return question;
}

/** Puts numbers into a tensor from a place on. */
const put = ({ data }: Tensor, at: number, ...numbers: readonly number[]) =>
  (data as Float32Array | Int32Array).set(numbers, at);

const labels = (...of: number[]) => ({ dtype: "int32", shape: [of.length], data: Int32Array.from(of) }) as const;

describeUnless(kernelsHere() ? undefined : "kernels are not built", "on native kernels", () => {
  it.each<[string, Question, (readonly string[])?]>([
    ["queries that hold no number", changed(({ query }) => put(query, 2, Number.NaN))],
    ["an endless number among the examples", changed(({ support }) => put(support.x, 5, Number.POSITIVE_INFINITY))],
    ["an example of one number throughout", changed(({ support }) => put(support.x, 4, 3, 3, 3, 3))],
    ["queries of another shape", changed({ query: madeUp([2, 3, 1]).query })],
    ["examples of one class", changed(({ support }) => put(support.y, 0, 0, 0, 0, 0))],
    ["more classes than the bundle tells apart", changed(({ support }) => put(support.y, 0, 0, 1, 2, 3))],
    ["numbers from which it does not learn", changed(({ support }) => put(support.x, 1, 3e38))],
    ["a class without examples", changed(({ support }) => put(support.y, 0, 2, 0, 2, 0))],
    ["a named class without examples", changed(({ support }) => put(support.y, 0, 2, 0, 2, 0)), ["a", "b", "c"]],
    ["named classes", changed({ steps: [1, 2] }), ["a", "b", "c"]],
    [
      "fewer classes than it tells apart",
      changed({ support: { ...madeUp([2, 2, 1]).support, y: labels(1, 1, 0, 1) }, ways: 2 }),
    ],
    ["more steps than are taken at once", changed({ steps: [2, 20] })],
  ])("%s: the runtime's word is the same as without them", async (_, question, names) => {
    const place = writeBundle("linear", (manifest) => names && Object.assign(manifest, { labels: names }));
    const outcome = (kernels: Kernels) =>
      all(kernels, place, [question], 0).then(
        ([answers]) => answers!.map(({ queries }) => Array.from(queries, (logit) => Number(logit.toFixed(4)))),
        ({ code, message }: Error & { code: string }) => ({ code, message }),
      );
    expect(await outcome("native")).toEqual(await outcome("onnxruntime"));
  });

  /** Asks natively, and says what the models were asked for. */
  async function askedOf(place: string, question: Question) {
    const asked: (readonly string[] | undefined)[] = [];
    const open = native.open;
    const opening = vi.spyOn(native, "open").mockImplementation((...given) => {
      const model = open(...given)!;
      const run = model.run.bind(model);
      return Object.assign(model, {
        run: (...[feeds, fetches, lent]: Parameters<typeof run>) => {
          asked.push(fetches);
          return run(feeds, fetches, lent);
        },
      });
    });
    const [answers] = await all("native", place, [question], 0);
    opening.mockRestore();
    return { asked, answers: answers! };
  }

  it("nothing is computed that an evaluation does not read", async () => {
    const { asked } = await askedOf(writeBundle("linear"), changed({ steps: [2] }));
    expect(asked).toEqual([["adapted/head/weight", "adapted/head/bias"], ["logits"]]);
  });

  it("both models of a bundle read the weights beside them", async () => {
    const { models, pictures } = readRecorded<{
      readonly models: Readonly<Record<string, string>>;
      readonly pictures: Readonly<Record<"support", { readonly shape: readonly number[] }>>;
    }>("export/recorded/adaptable.json");
    const out = join(temporaryFolder(), "bundle");
    await exportAdaptable(new Uint8Array(Buffer.from(models.pictures!, "base64")), { out, train: "lora:2" });
    const question = { ...madeUp(pictures.support.shape.slice(1)), steps: [2] };
    const { asked, answers } = await askedOf(out, question);
    expect(asked).toHaveLength(2);
    const [expected] = await all("onnxruntime", out, [question], 0);
    expectClose(answers[0]!.queries, expected![0]!.queries, 1e-3);
  });
});

describe("the answers of a bundle", () => {
  it("hold no more questions than threads work on", async () => {
    const asked = await questions(9);
    let drawn = 0;
    const drawing = function* () {
      for (const question of asked) {
        drawn++;
        yield question;
      }
    };
    const bundle = await BundleAnswers.open(defaultBundle, { provider: "cpu", workers: 2 });
    let done = 0;
    for await (const _ of bundle.each(drawing(), asked.length)) expect(drawn - done++).toBeLessThanOrEqual(4);
    expect(done).toBe(9);
    await bundle.dispose();
  }, 240_000);

  it.each([0, 2])(
    "end with the error of a question in its turn, with %i threads",
    async (workers) => {
      const asked = await questions(6);
      const oneClass = { ...asked[3]!, support: { ...asked[3]!.support, y: { ...asked[3]!.support.y } } };
      oneClass.support.y.data = new Int32Array(ways);
      const bundle = await BundleAnswers.open(defaultBundle, { provider: "cpu", workers });
      let done = 0;
      const answering = async () => {
        for await (const _ of bundle.each([...asked.slice(0, 3), oneClass, ...asked.slice(4)], 6)) done++;
      };
      await expect(answering()).rejects.toMatchObject({
        name: "InnerloopError",
        code: "bad-input",
        message: expect.stringContaining('every example has the label "0"'),
      });
      expect(done).toBe(3);
      // It answers what it is asked next.
      for await (const { answers } of bundle.each(asked.slice(0, 1), 1)) expect(answers).toHaveLength(3);
      await bundle.dispose();
    },
    240_000,
  );

  it("say what is wrong with the bundle", async () => {
    await expect(BundleAnswers.open("no-such-bundle")).rejects.toMatchObject({ code: "bundle-missing" });
  });
});

describe("an evaluation", () => {
  it("finds the same over threads", async () => {
    const measured = async (workers: number) => {
      const { seconds: _, ...found } = await evaluateBundle(defaultBundle, {
        ...{ data: "glyphs", episodes: 6, ways: 3, queries: 2, seed: 4, workers },
      });
      return found;
    };
    expect(await measured(2)).toEqual(await measured(0));
    const prototypes = writeBundle("prototypes");
    await expect(evaluateBundle(prototypes, { data: "glyphs", workers: 2 })).rejects.toMatchObject({
      code: "wrong-data",
    });
  }, 240_000);
});
