// The weights that the models of a bundle share stay in their file on a disk: the answers are those of the same files in memory, nothing of them
// is read into memory, and a file that another one took the place of is not taken for it.
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportAdaptable } from "@innerloop/export";
import { input, op, writeOnnx } from "@innerloop/graph";
import { Learner } from "@innerloop/runtime";
import { beforeAll, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { refusal } from "../support/refusal.ts";

const [width, hidden] = [256, 2048];
let bundle = "";

/** A bundle with 4 MB of weights, of which a bias moves. */
beforeAll(async () => {
  const x = input("x", ["n", width]);
  const [w, b, v] = [input("w", [width, hidden]), input("b", [hidden]), input("v", [hidden, width])];
  const body = op.Add(op.Tanh(op.Add(op.MatMul(x, w), b)), 0);
  const array = (shape: number[], scale: number) => ({
    dtype: "float32" as const,
    shape,
    data: Float32Array.from({ length: shape.reduce((a, c) => a * c, 1) }, (_, i) => scale * Math.sin(i * i)),
  });
  const model = writeOnnx(
    { y: op.MatMul(body, v) },
    {
      inputs: [x],
      fixed: new Set(["w", "b", "v"]),
      initializers: { w: array([width, hidden], 0.1), b: array([hidden], 0.5), v: array([hidden, width], 0.05) },
    },
  );
  bundle = join(temporaryFolder(), "bundle");
  await exportAdaptable(model, { out: bundle, head: "ways:2", train: ["bias"], embedding: "y", rate: 0.01 });
});

const row = (of: number) => Array.from({ length: width }, (_, i) => Math.cos(of * (i + 1)));
const support = [1, 2, 3, 4].map((of) => ({ label: of % 2 ? "odd" : "even", data: row(of) }));

async function answersOf(learner: Learner) {
  const mine = await learner.adapt(support, { steps: 3 });
  return { losses: mine.supportLoss, ...(await mine.predict(row(5))) };
}

const copied = (): string => {
  const folder = join(temporaryFolder(), "copy");
  cpSync(bundle, folder, { recursive: true });
  return folder;
};

it("gives the answers of the same files in memory, and holds less than they have", async () => {
  const files = Object.fromEntries(
    readdirSync(bundle).map((name) => [name, new Uint8Array(readFileSync(join(bundle, name)))]),
  );
  const { length } = files["weights.bin"]!;
  expect(length).toBeGreaterThan(4 * width * hidden * 2 - 1);
  const inMemory = await Learner.load({ files }, { provider: "cpu" });
  const before = process.memoryUsage().arrayBuffers;
  const onDisk = await Learner.load(bundle, { provider: "cpu" });
  const found = await answersOf(onDisk);
  // A piece that the digest is made of may not be collected yet.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(length - 1e6);
  expect(found).toEqual(await answersOf(inMemory));
  expect(found.losses[3]).toBeLessThan(found.losses[0]!);
  await Promise.all([onDisk.dispose(), inMemory.dispose()]);
});

it("refuses a file that was altered, before and after the bundle was opened", async () => {
  const altered = (folder: string) => {
    const path = join(folder, "weights.bin");
    const bytes = readFileSync(path);
    bytes[1000]! ^= 1;
    writeFileSync(path, bytes);
  };
  const [one, other] = [copied(), copied()];
  altered(one);
  const atOnce = await refusal(Learner.load(one, { provider: "cpu" }));
  expect(atOnce.code).toBe("bundle-altered");
  expect(atOnce.message).toMatch(/sha256/);
  const learner = await Learner.load(other, { provider: "cpu" });
  altered(other);
  const later = await refusal(learner.adapt(support));
  expect(later.code).toBe("bundle-altered");
  expect(later.message).toMatch(/weights\.bin.*open the bundle again/);
  await learner.dispose();
});
