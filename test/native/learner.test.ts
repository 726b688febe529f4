// Whole bundles on native kernels beside the same on ONNX Runtime, as an application loads them.
import { fileURLToPath } from "node:url";
import { defaultBundle } from "@innerloop/demo";
import { kernelsHere, native } from "@innerloop/native";
import { Learner } from "@innerloop/runtime";
import { type Manifest, sizeOf, type Tensor, takesSteps } from "@innerloop/schemas";
import { it } from "vitest";
import { writeBundle } from "../runtime/fixture.ts";
import { noise } from "../runtime/oracle.ts";
import { CPU, expectNear } from "../runtime/small-models.ts";
import { describeUnless } from "../support/absent.ts";

const recorded = (name: string) => fileURLToPath(new URL(`../compatibility/0.1.0/${name}`, import.meta.url));

const list = (data: readonly number[]): Tensor => ({
  dtype: "float32",
  shape: [data.length],
  data: Float32Array.from(data),
});

/** Examples of a task, by chance. */
function examples({ task, input, output }: Manifest, labels: readonly string[], seed: number) {
  const shape = [labels.length, ...input.shape];
  const x = { data: noise(seed, sizeOf(shape)), shape };
  const y = { data: noise(seed + 1, labels.length * (output.size ?? 1)), shape: [labels.length, output.size ?? 1] };
  return (task === "regression" ? { x, y } : { ...x, labels }) as never;
}

describeUnless(kernelsHere() ? undefined : "kernels are not built", "on native kernels", () => {
  it.each([
    ["line", () => writeBundle("line")],
    ["linear", () => writeBundle("linear")],
    ["prototypes", () => writeBundle("prototypes")],
    ["sinusoids, whose steps are guarded", () => recorded("sinusoids")],
    ["characters, with convolutions and norms", () => recorded("characters")],
    ["the demo's characters", () => defaultBundle],
  ])("a bundle of %s adapts and answers as on ONNX Runtime, for any examples, steps and rates", async (_, folderOf) => {
    const folder = folderOf();
    const [ours, theirs] = [await Learner.load(folder, { ...CPU, kernels: native }), await Learner.load(folder, CPU)];
    const { manifest } = theirs;
    const query = { data: noise(7, 3 * sizeOf(manifest.input.shape)), shape: [3, ...manifest.input.shape] };
    const rates = takesSteps(manifest) ? [{ steps: 2, rate: 0.5 }] : [];
    for (const labels of [
      ["a", "b"],
      ["a", "b", "c", "a", "c"],
    ])
      for (const options of [{}, { steps: 0 }, ...rates]) {
        const given = examples(manifest, labels, labels.length);
        const [mine, other] = [await ours.adapt(given, options), await theirs.adapt(given, options)];
        expectNear(list(mine.supportLoss), list(other.supportLoss), 1e-4);
        for (const [name, tensor] of Object.entries(other.state)) expectNear(mine.state[name]!, tensor, 1e-4);
        const [answer, expected] = await Promise.all(
          [mine, other].map(async (personal) => {
            const rows: readonly object[] = await personal.predictBatch(query);
            return list(rows.flatMap((row) => Object.values(row).find(Array.isArray) as number[]));
          }),
        );
        expectNear(answer!, expected!, 1e-3);
      }
    await ours.dispose();
    await theirs.dispose();
  });
});
