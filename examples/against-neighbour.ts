// Whether an adapted bundle is better than the nearest neighbour on the same frozen embedding, on examples of yours that it was not taught:
// innerloop adaptable encoder.onnx --out bundle
// node examples/dist/against-neighbour.js BUNDLE EXAMPLES [--ways 5] [--shots 5] [--queries 10] [--episodes 200]
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exportAdaptable } from "@innerloop/export";
import { input, op, writeOnnx } from "@innerloop/graph";
import { Learner } from "@innerloop/runtime";
import { preprocess } from "@innerloop/runtime/input";
import { openSession } from "@innerloop/runtime/session";
import { fileKindOf, random } from "@innerloop/train";

const text = { type: "string" } as const;
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { ways: text, shots: text, queries: text, episodes: text },
});
const [bundle = "bundle", place = "examples"] = positionals;
const { ways = "5", shots = "5", queries = "10", episodes = "200" } = values;

const learner = await Learner.load(bundle, { provider: "cpu" });
const { input: takes, parameters } = learner.manifest;
const how = takes.preprocessing!;
const files = fileKindOf(how.kind)!;
const { classes } = await files.find(place, {}, how);

// A head of any number of classes whose weight is the identity gives the embedding itself, rows of length 1.
const [width] = parameters.find(({ name }) => name === "head.weight")!.shape as [number];
const weights = join(bundle, "weights.bin");
const beside = existsSync(weights) ? { "weights.bin": new Uint8Array(readFileSync(weights)) } : {};
const session = await openSession(join(bundle, "predict.onnx"), { provider: "cpu", beside });
const identity = Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0));
const head = {
  "head.weight": { dtype: "float32", shape: [width, width], data: identity },
  "head.bias": { dtype: "float32", shape: [width], data: new Float32Array(width) },
} as const;

interface Example {
  readonly label: string;
  /** What is before "--" in the name of a file says where it is from: nothing is asked of an origin that was taught. */
  readonly origin: string;
  readonly data: Float32Array;
  readonly row: Float32Array;
}

const examples: Example[][] = [];
for (const { name: label, items } of classes) {
  const list: Example[] = [];
  for (const item of items) {
    const data = preprocess(how, await files.read(item));
    const query_x = { dtype: "float32", shape: [1, ...takes.shape], data } as const;
    const row = (await session.run({ ...head, query_x })).logits!.data as Float32Array;
    list.push({ label, origin: /^(.*)--/.exec(item.name)?.[1] ?? item.name, data, row });
  }
  examples.push(list);
  console.error(`${label}: ${list.length}`);
}
await session.dispose();

// Nothing of the model moves, so that many episodes go over rows that are computed once: by the same head on the embedding alone.
const out = mkdtempSync(join(tmpdir(), "against-neighbour-"));
const rows = input("row", ["n", width]);
await exportAdaptable(writeOnnx({ embedding: op.Mul(rows, 1) }, { inputs: [rows] }), { out: join(out, "rows") });
const ofRows = await Learner.load(join(out, "rows"), { provider: "cpu" });
const chance = random(1);
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const scores: { readonly adapted: number; readonly nearest: number }[] = [];
for (let episode = 0; episode < Number(episodes); episode++) {
  const drawn = chance
    .shuffle(examples)
    .slice(0, Number(ways))
    .map((list) => {
      const mixed = chance.shuffle(list);
      const taught = mixed.slice(0, Number(shots));
      const origins = new Set(taught.map(({ origin }) => origin));
      const others = mixed.slice(Number(shots)).filter(({ origin }) => !origins.has(origin));
      return { taught, asked: others.slice(0, Number(queries)) };
    });
  const taught = drawn.flatMap((each) => each.taught);
  const asked = drawn.flatMap((each) => each.asked);
  const mine = await ofRows.adapt(taught.map(({ label, row }) => ({ label, data: row })));
  const answers = await mine.predictBatch(asked.map(({ row }) => row));
  if (episode === 0) {
    const whole = await learner.adapt(taught.map(({ label, data }) => ({ label, data })));
    const same = await whole.predictBatch(asked.map(({ data }) => data));
    if (same.some(({ label, probability }, i) => label !== answers[i]!.label && probability > 0.5))
      throw new Error("the bundle itself gives other answers than its head on the embedding");
  }
  const nearestTo = (row: Float32Array) =>
    taught.reduce((best, each) => (dot(each.row, row) > dot(best.row, row) ? each : best));
  const share = (right: (i: number) => boolean) => asked.filter((_, i) => right(i)).length / asked.length;
  scores.push({
    adapted: share((i) => answers[i]!.label === asked[i]!.label),
    nearest: share((i) => nearestTo(asked[i]!.row).label === asked[i]!.label),
  });
}
await learner.dispose();
await ofRows.dispose();
rmSync(out, { recursive: true });

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
const told = (numbers: readonly number[]): string => {
  const spread = Math.sqrt(mean(numbers.map((each) => (each - mean(numbers)) ** 2)) / (numbers.length - 1));
  return `${(100 * mean(numbers)).toFixed(1)} ± ${(196 * spread).toFixed(1)} %`;
};
console.log(
  `${episodes} episodes of ${ways} of ${examples.length} classes, ${shots} examples a class, up to ${queries} queries; ± is 1.96 standard errors`,
);
console.log(`nearest neighbour  ${told(scores.map(({ nearest }) => nearest))}`);
console.log(`adapted            ${told(scores.map(({ adapted }) => adapted))}`);
console.log(`difference         ${told(scores.map(({ adapted, nearest }) => adapted - nearest))}`);
