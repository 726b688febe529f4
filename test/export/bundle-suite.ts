// A bundle computes what its learner's graphs say, for any number of steps, examples and classes.
import { type BuiltBundle, buildBundle } from "@innerloop/export";
import type { Learner } from "@innerloop/graph";
import { openSession, type Session } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
import { describe, expect, it } from "vitest";
import { distance } from "../support/numbers.ts";
import { randomEpisode, randomWeights, unrolled } from "./learners.ts";

export const scalar = (value: number): Tensor => ({ dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(value)) });

/** A bundle's files, opened. */
export async function opened(bundle: BuiltBundle): Promise<Record<string, Session>> {
  const open = async ([file, bytes]: [string, Uint8Array]) => [file, await openSession(bytes, { provider: "cpu" })];
  return Object.fromEntries(await Promise.all(Object.entries(bundle.files).map(open)));
}

/** What predict.onnx takes of what adapt.onnx gives. */
function stateFor(session: Session, adapted: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const named = Object.entries(adapted).map(([name, value]): [string, Tensor] => [name.replace("adapted/", ""), value]);
  return Object.fromEntries(named.filter(([name]) => session.inputs.includes(name)));
}

export function describeBundle(name: string, make: () => Learner): void {
  describe(name, () => {
    const learner: Learner = make();
    const weights = randomWeights(learner);
    const bundle = buildBundle(learner, weights, { name: "mine", shots: 2 });
    const sessions = opened(bundle);
    const open = learner.outputs === undefined;
    const sizes =
      learner.task === "regression"
        ? [[1, 10]]
        : open
          ? [
              [3, 1],
              [7, 2],
            ]
          : [
              [5, 1],
              [5, 3],
              [3, 2],
            ];

    it.each(sizes)("equals its unrolled graphs in float64, %i ways, %i shots, 0 to 7 steps", async (ways, shots) => {
      const { "adapt.onnx": adapt, "predict.onnx": predict, ...others } = await sessions;
      const { support, query } = randomEpisode(learner, ways!, shots!, 2);
      for (const steps of [0, 1, 3, 7]) {
        const expected = await unrolled(learner, weights)(support, query, steps);
        const { support_loss: losses, ...results } = await adapt!.run({
          support_x: support.x,
          support_y: support.y,
          steps: scalar(steps),
        });
        expect(distance(losses!.data, expected.supportLoss as number[])).toBeLessThan(2e-5);
        const said = ["kept_step", "refused_steps", "rate_scale"];
        expect(said.filter((name) => name in results)).toEqual(learner.loop === "guarded" ? said : []);
        const adapted = Object.fromEntries(Object.entries(results).filter(([name]) => !said.includes(name)));
        expect(Object.keys(adapted).sort()).toEqual(
          Object.keys(expected.state)
            .map((name) => `adapted/${name}`)
            .sort(),
        );
        for (const [name, { shape, data }] of Object.entries(expected.state)) {
          expect(adapted[`adapted/${name}`]!.shape, name).toEqual(shape);
          expect(distance(adapted[`adapted/${name}`]!.data, data), name).toBeLessThan(5e-5);
        }
        const { logits } = await predict!.run({ query_x: query.x, ...stateFor(predict!, adapted) });
        expect(distance(logits!.data, expected.logits.data)).toBeLessThan(5e-5);
        const transductive = others["predict-transductive.onnx"];
        expect(transductive !== undefined).toBe(learner.usesBatchStatistics);
        if (transductive) {
          const batch = await unrolled(learner, weights, { transductive: true })(support, query, steps);
          const own = await transductive.run({ query_x: query.x, ...stateFor(transductive, adapted) });
          expect(distance(own.logits!.data, batch.logits.data)).toBeLessThan(5e-5);
          // A head that is still at zero says nothing, whatever the statistics.
          if (learner.head !== "zero" || steps > 0)
            expect(distance(own.logits!.data, expected.logits.data)).toBeGreaterThan(1e-3);
        }
      }
    });

    it("multiplies its rates by `rate`, and takes other meta-parameters instead of its own", async () => {
      const { "adapt.onnx": adapt } = await sessions;
      const { support, query } = randomEpisode(learner, open ? 4 : learner.task === "regression" ? 1 : 5, 2, 1);
      const feeds = { support_x: support.x, support_y: support.y, steps: scalar(2) };
      const others = randomWeights(learner, 2);
      const given = Object.fromEntries(Object.entries(others).filter(([name]) => !name.startsWith("rate/")));
      const rates = Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith("rate/")));
      const expected = await unrolled(learner, { ...given, ...rates })(support, query, 2);
      const overridden = await adapt!.run({ ...feeds, ...given });
      for (const [name, { data }] of Object.entries(expected.state))
        expect(distance(overridden[`adapted/${name}`]!.data, data), name).toBeLessThan(5e-5);
      if (learner.steps === 0) {
        expect(adapt!.inputs).not.toContain("rate");
        return;
      }
      const still = await adapt!.run({ ...feeds, rate: { dtype: "float32", shape: [], data: Float32Array.of(0) } });
      const losses = [...still.support_loss!.data];
      expect(losses).toEqual([losses[0], losses[0], losses[0]]);
      const moved = await adapt!.run(feeds);
      for (const name of Object.keys(learner.rates))
        expect(distance(moved[`adapted/${name}`]!.data, still[`adapted/${name}`]!.data), name).toBeGreaterThan(1e-6);
    });

    it("says of an example alone what it says of it in batches of 7 and 64", async () => {
      const { "adapt.onnx": adapt, "predict.onnx": predict } = await sessions;
      const ways = learner.task === "regression" ? 1 : 4;
      const { support, query } = randomEpisode(learner, ways, 2, 64 / ways);
      const adapted = await adapt!.run({ support_x: support.x, support_y: support.y, steps: scalar(3) });
      const state = stateFor(predict!, adapted);
      const size = query.x.data.length / 64;
      const answer = async (from: number, to: number): Promise<number[]> => {
        const data = (query.x.data as Float32Array).slice(from * size, to * size);
        const { logits } = await predict!.run({
          query_x: { dtype: "float32", shape: [to - from, ...learner.inputShape], data },
          ...state,
        });
        return [...(logits!.data as Float32Array)];
      };
      const all = await answer(0, 64);
      const sevens: number[] = [];
      const alone: number[] = [];
      for (let i = 0; i < 63; i += 7) sevens.push(...(await answer(i, i + 7)));
      for (let i = 0; i < 64; i++) alone.push(...(await answer(i, i + 1)));
      expect(distance(alone, all)).toBeLessThan(1e-6);
      expect(distance(sevens, all.slice(0, sevens.length))).toBeLessThan(1e-6);
    });

    it("declares what the format promises", () => {
      const { manifest, files } = bundle;
      const adapt = decodeModel(files["adapt.onnx"]!, "adapt.onnx");
      const predict = decodeModel(files["predict.onnx"]!, "predict.onnx");
      const dims = (values: typeof adapt.graph, side: "input" | "output") =>
        Object.fromEntries(
          (values?.[side] ?? []).map(({ name, type }) => [
            name,
            (type?.tensorType?.shape?.dim ?? []).map((dim) => dim.dimParam || Number(dim.dimValue)),
          ]),
        );
      const width = learner.outputs ?? "ways";
      const inputs = dims(adapt.graph, "input");
      expect(inputs).toMatchObject({
        support_x: ["support", ...learner.inputShape],
        support_y: learner.task === "regression" ? ["support", width] : ["support"],
        steps: [],
      });
      const initialized = (model: typeof adapt) => (model.graph?.initializer ?? []).map(({ name }) => name);
      const optional = Object.keys(inputs).slice(3);
      expect(initialized(adapt)).toEqual(expect.arrayContaining(optional));
      expect(Object.keys(inputs).some((name) => name.startsWith("rate/"))).toBe(false);
      expect(dims(adapt.graph, "output").support_loss).toEqual(learner.steps === 0 ? [1] : ["steps+1"]);
      expect(dims(predict.graph, "output")).toEqual({ logits: ["query", width] });
      const described = Object.fromEntries(manifest.parameters.map(({ name, shape }) => [name, shape]));
      expect(dims(predict.graph, "input")).toEqual({ query_x: ["query", ...learner.inputShape], ...described });
      for (const { name, adapted, required } of manifest.parameters) {
        expect(initialized(predict).includes(name), name).toBe(!required);
        expect(`adapted/${name}` in dims(adapt.graph, "output"), name).toBe(adapted);
        expect(required, name).toBe(!(name in learner.parameters));
      }
      expect(manifest.output).toEqual(
        learner.task === "regression" ? { ways: null, size: learner.outputs } : { ways: learner.outputs ?? null },
      );
      expect(Object.keys(manifest.innerLoop.rates)).toEqual(Object.keys(learner.rates));
      for (const [name, rate] of Object.entries(learner.rates))
        expect(manifest.innerLoop.rates[name]).toBe(typeof rate === "number" ? rate : weights[rate]!.data[0]);
      const told = Object.fromEntries((adapt.metadataProps ?? []).map(({ key, value }) => [key, value ?? ""]));
      expect(JSON.parse(told["innerloop.innerLoop"]!)).toEqual(manifest.innerLoop);
      expect(told["innerloop.task"]).toBe(manifest.task);
    });

    it("keeps out of the loop what does not change from step to step", () => {
      if (learner.steps === 0) return;
      const { graph } = decodeModel(bundle.files["adapt.onnx"]!, "adapt.onnx");
      const loop = graph!.node!.find((node) => node.opType === "Loop")!;
      const body = loop.attribute!.find((attribute) => attribute.name === "body")!.g!;
      const changing = new Set(body.input!.map(({ name }) => name!));
      for (const node of body.node!) {
        expect(
          node.input!.some((name) => changing.has(name)),
          node.name ?? "",
        ).toBe(true);
        for (const name of node.output!) changing.add(name);
      }
    });
  });
}
