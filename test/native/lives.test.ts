// Steps where fewer numbers are alive: the same results from less memory, and nothing moves that it would not pay for.
import {
  arrangements,
  layoutOf,
  type Norm,
  type Points,
  Program,
  placesFor,
  planFor,
  readGraph,
  type Step,
  type Store,
  shortLived,
} from "@innerloop/native/plan";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kernelsInC } from "./kernels.ts";
import { modelOf, usual } from "./models.ts";
import { call, copied, inOneMemory, programs, separately, storeOf, whole } from "./programs.ts";
import { randomModel } from "./random-models.ts";
import { plainKernels } from "./words.ts";

const always = { large: 1, far: 0 };

it("programs by chance give the same, however steps move", () =>
  fc.assert(
    fc.property(programs, (program) => {
      const { steps, fed, kept } = program;
      const moved = {
        ...program,
        steps: shortLived(steps, { kept: new Set([...fed.keys(), ...kept]), limits: always }),
      };
      expect(separately(moved)).toEqual(separately(program));
      expect(inOneMemory(moved)).toEqual(separately(program));
    }),
    { numRuns: 500 },
  ));

it("models by chance give the same, however steps move", async () => {
  const arranging = arrangements.map((each) =>
    each.name === "lives"
      ? {
          ...each,
          apply: (steps: readonly Step[], kept: ReadonlySet<Store>) => shortLived(steps, { kept, limits: always }),
        }
      : each,
  );
  let [compared, others] = [0, 0];
  for (let seed = 5000; seed < 5080; seed++) {
    const { graph, feeds } = randomModel(seed, 6 + (seed % 8));
    const bytes = modelOf(graph);
    const expected = await usual(bytes, feeds).catch(() => undefined);
    if (!expected) continue;
    const kernels = kernelsInC ?? plainKernels;
    const read = readGraph(bytes);
    const [moved, before] = [arranging, arrangements].map((list) =>
      layoutOf(planFor(read, feeds, kernels), { arranging: list }),
    ) as [ReturnType<typeof layoutOf>, ReturnType<typeof layoutOf>];
    compared++;
    if (!Buffer.from(moved.words.buffer).equals(Buffer.from(before.words.buffer))) others++;
    const given = new Program(moved, kernels).run(kernels, feeds)!;
    const unmoved = new Program(before, kernels).run(kernels, feeds)!;
    expect(given, `seed ${seed}`).toEqual(unmoved);
  }
  expect(compared).toBeGreaterThan(60);
  expect(others).toBeGreaterThan(5);
});

describe("of a gradient, in the order in which it is differentiated", () => {
  const shape = [32, 32];
  const size = 32 * 32;
  const limits = { large: size, far: 2 * size };
  const matrix = () => storeOf(size);
  const of = (store: Store) => whole(store, shape);
  const product = (left: Store, right: Store, out: Store): Step => ({
    ...{ kind: "product", batch: [], m: 32, k: 32, n: 32, alpha: 1, beta: 0, relu: false },
    ...{ left: of(left), right: of(right), out: of(out) },
  });
  const [x, slope] = [matrix(), matrix()];
  const layers = 6;

  /** Layers of a product and tanh, their slopes backwards, and the gradients of all weights after these. */
  function network() {
    const weights = Array.from({ length: layers }, matrix);
    const [sums, given, slopes, gradients] = [weights, weights, weights, weights].map((each) => each.map(matrix)) as [
      Store[],
      Store[],
      Store[],
      Store[],
    ];
    const forward = weights.flatMap((weight, i) => [
      product(given[i - 1] ?? x, weight, sums[i]!),
      call("tanh", shape, [of(sums[i]!)], of(given[i]!)),
    ]);
    const back = weights.flatMap((weight, i) => {
      const own = matrix();
      const from = slopes[i + 1] ?? slope;
      return [[call("multiply", shape, [of(from), of(sums[i]!)], of(own)), product(own, weight, slopes[i]!)]];
    });
    const last = gradients.map((gradient, i) => product(given[i - 1] ?? x, slopes[i + 1] ?? slope, gradient));
    const steps = [...forward, ...back.toReversed().flat(), ...last];
    return { steps, fed: [x, slope, ...weights], gradients, given };
  }

  it("products for weights are done as soon as their slopes are there, and memory is less", () => {
    const { steps, fed, gradients, given } = network();
    const kept = new Set([...fed, ...gradients]);
    const moved = shortLived(steps, { kept, limits });
    expect(new Set(moved).size).toBe(moved.length);
    const placed = (list: readonly Step[]) =>
      placesFor(list, { fed, kept: gradients, elsewhere: new Map(gradients.map((each, i) => [each, 2 ** 20 + i])) }, 0)
        .end;
    // Slopes are gone with their layer, and what a layer gave is made again.
    expect(placed(steps) - placed(moved)).toBeGreaterThanOrEqual((layers - 1) * size);
    const numbers = new Map(
      fed.map((store, i) => [store, Array.from({ length: size }, (_, at) => ((at * (i + 3)) % 17) / 17)]),
    );
    const run = (list: readonly Step[]) => separately({ steps: list, fed: numbers, kept: gradients });
    expect(run(moved)).toEqual(run(steps));
    // tanh is computed once more where its result is read long after.
    const makers = moved.filter((step) => step.kind === "chain" && step.code[0]?.name === "tanh");
    expect(makers.length).toBeGreaterThan(given.length);
  });

  it("nothing moves that is near, small, or read after the steps", () => {
    const { steps, fed, gradients, given } = network();
    const kept = new Set([...fed, ...gradients]);
    expect(shortLived(steps, { kept, limits: { ...limits, far: 1000 * size } })).toEqual(steps);
    expect(shortLived(steps, { kept, limits: { ...limits, large: 2 * size } })).toEqual(steps);
    expect(shortLived(steps, { kept })).toEqual(steps);
    const all = new Set([...kept, ...given]);
    const made = shortLived(steps, { kept: all, limits }).filter((step) => step.kind === "chain");
    expect(made.length).toBe(2 * layers);
  });

  it("values at points that only a later step reads are made there", () => {
    const [from, values, sum, out] = [matrix(), storeOf(2 * size), matrix(), matrix()];
    const matrices = { down: whole(storeOf(4, 0), []), across: whole(storeOf(4, 0), []) };
    const points: Points = {
      ...{
        kind: "points",
        what: "points",
        examples: 1,
        channels: 32,
        rows: 16,
        columns: 1,
        steps: [2, 1],
        first: [0, 0],
      },
      ...{ size: [32, 1], tile: [2, 1], points: [4, 1], ...matrices },
      field: { store: from, offset: 0, strides: [size, 32, 32, 1] },
      values: { store: values, offset: 0, strides: [512, 0, 32, 32] },
    };
    const between = Array.from({ length: 5 }, matrix);
    const walk = between.map((to, i) => call("tanh", shape, [of(between[i - 1] ?? from)], of(to)));
    const reader = call("add", shape, [of(values), of(between[4]!)], of(sum));
    const end = call("add", shape, [of(sum), of(from)], of(out));
    const steps = [call("sigmoid", shape, [of(x)], of(from)), points, ...walk, reader, end];
    const moved = shortLived(steps, { kept: new Set([x, out]), limits });
    expect(moved.indexOf(points)).toBe(moved.indexOf(reader) - 1);
    expect(moved.length).toBe(steps.length);
    // What it reads is changed meanwhile.
    const changed = [...steps.slice(0, 4), copied(shape, of(x), of(from)), ...steps.slice(4)];
    expect(shortLived(changed, { kept: new Set([x, out]), limits })).toEqual(changed);
  });

  it("norms go to the one step that reads all that they make, and are made again where others read theirs", () => {
    const [from, other, normed, mean, inverse, sum, out] = [
      ...[matrix(), matrix(), matrix(), storeOf(32), storeOf(32), matrix(), matrix()],
    ] as [Store, Store, Store, Store, Store, Store, Store];
    const norm = (made: Store): Norm => ({
      ...{ kind: "norm", rows: 32, size: 32, epsilon: 1e-5, gainRows: 1 },
      ...{ from: { store: from, offset: 0, strides: [32] }, out: { store: made, offset: 0, strides: [32] } },
    });
    const ofRows = (store: Store) => ({ store, offset: 0, strides: [1] });
    const whole: Norm = { ...norm(normed), mean: ofRows(mean), inverse: ofRows(inverse) };
    const alongRows = (store: Store) => ({ store, offset: 0, strides: [1, 0] });
    const between = Array.from({ length: 5 }, matrix);
    const walk = between.map((to, i) => call("tanh", shape, [of(between[i - 1] ?? other)], of(to)));
    const reader: Step = {
      ...{ kind: "chain", shape, reads: [of(normed), alongRows(mean), alongRows(inverse), of(between[4]!)] },
      code: [0, 1, 2].map((i) => ({
        name: "add" as const,
        operands: [{ register: i === 0 ? 0 : 3 + i }, { register: i + 1 }],
      })),
      writes: [{ ...of(sum), register: 6, how: "set" }],
    };
    const end = call("add", shape, [of(sum), of(other)], of(out));
    const last = call("add", shape, [of(out), of(other)], of(out));
    const steps = [call("sigmoid", shape, [of(x)], of(from)), whole, norm(other), ...walk, reader, end];
    const kept = new Set([x, out]);
    const moved = shortLived(steps, { kept, limits });
    expect(moved.indexOf(whole)).toBe(moved.indexOf(reader) - 1);
    expect(moved.filter(({ kind }) => kind === "norm").length).toBe(2);
    // Where what it reads is there until then.
    const later = [...steps, call("add", shape, [of(from), of(out)], of(sum)), last];
    expect(shortLived(later, { kept, limits }).filter(({ kind }) => kind === "norm").length).toBe(3);
    const fed = new Map([[x, Array.from({ length: size }, (_, at) => ((at * 7) % 31) / 31)]]);
    const run = (list: readonly Step[]) => separately({ steps: list, fed, kept: [out] });
    expect(run(moved)).toEqual(run(steps));
    expect(run(shortLived(later, { kept, limits }))).toEqual(run(later));
  });
});
