// What a model sees of raw input of every kind is the same to the bit in training, on a device by Node, and in a page.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Learner } from "@innerloop/runtime";
import { preprocess, readExample } from "@innerloop/runtime/input";
import { preprocessedShape } from "@innerloop/schemas";
import { readers } from "@innerloop/train";
import { build } from "esbuild";
import { expect, it } from "vitest";
import { writeBundle } from "../runtime/fixture.ts";
import { randomInput } from "../runtime/random-inputs.ts";
import { itUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { repository } from "../support/root.ts";
import { launch, noChromium, serve } from "./chromium.ts";

/** Inputs that are compared, a quarter of each kind. */
const count = 480;

/** The bits of numbers, in which NaN, −0 and the last place are seen. */
const bitsOf = (numbers: Float32Array): number[] => [
  ...new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length),
];

const inNode = (number: number): number[] => {
  const { how, input } = randomInput(number);
  return bitsOf(preprocess(how, input));
};

it.each(["arithmetic", "averaging", "pictures", "rows", "samples", "sounds", "spectra", "windows"])(
  "%s.ts computes by what every engine rounds alike",
  (module) => {
    const code = readFileSync(join(repository, "runtime", `${module}.ts`), "utf8").replaceAll(
      /\/\*[\s\S]*?\*\/|\/\/.*/g,
      "",
    );
    const used = [...code.matchAll(/Math\.(\w+)/g)].map(([, name]) => name);
    const exact = ["abs", "ceil", "floor", "fround", "max", "min", "round", "sqrt", "PI", "LN2", "SQRT2", "SQRT1_2"];
    expect(used.filter((name) => !exact.includes(name!))).toEqual([]);
    // Whole powers of two are exact.
    expect(code.replaceAll(/\b2 \*\* \d+/g, "")).not.toMatch(/\*\*/);
  },
);

it("a device by Node gives way now and then, and sees the same", { timeout: 60_000 }, async () => {
  for (let number = 0; number < count; number++) {
    const { how, input } = randomInput(number);
    const manifest = { input: { shape: preprocessedShape(how), dtype: "float32", preprocessing: how } as const };
    expect(bitsOf(await readExample(manifest, input)), JSON.stringify(how)).toEqual(inNode(number));
  }
});

it.each([0, 1, 2, 3])("learner.example makes the same, kind %i", async (kind) => {
  for (const number of [kind, kind + 40, kind + 80]) {
    const { how, input } = randomInput(number);
    const bundle = writeBundle("linear", (manifest) => {
      Object.assign(manifest.input, { shape: preprocessedShape(how), preprocessing: how });
    });
    const learner = await Learner.load(bundle, { provider: "cpu" });
    expect(bitsOf(await learner.example(input))).toEqual(inNode(number));
    await learner.dispose();
  }
});

// Each kind of files that there is writes of what it keeps what a device makes of the same raw input.
it.each(
  readers.names.flatMap((name) => {
    const { files } = readers.named(name);
    // Texts are learned from through the bundle of an encoder alone, by what it does itself with a text.
    return files && files.kind !== "text" ? [[name, files] as const] : [];
  }),
)("what training keeps of %s is what a device sees", (_, files) => {
  let seen = 0;
  for (let number = 0; number < count; number++) {
    const { how, input } = randomInput(number);
    if (how.kind !== files.kind) continue;
    const item = { name: "one", file: "one" };
    // In files samples are as they lie there, and not as Web Audio has them, and of rows each column has a field.
    if (typeof input === "string" || "getChannelData" in input || Array.isArray(input)) continue;
    // A recording of a sensor is there as float32, and has the channels that it has.
    if (how.kind === "window" && !("data" in input && input.data instanceof Float32Array)) continue;
    const expected = inNode(number);
    // Of a long one there are several windows, of which the first ends where it does.
    const [kept] = files.examples(item, input, how, {});
    const target = new Float32Array(expected.length + 2).fill(9);
    files.write(kept, how, target, 1);
    expect(bitsOf(target.subarray(1, -1))).toEqual(expected);
    expect([target[0], target.at(-1)]).toEqual([9, 9]);
    seen++;
  }
  expect(seen).toBeGreaterThan(10);
});

itUnless(noChromium, "a page sees the same", { timeout: 120_000 }, async () => {
  const site = temporaryFolder("preprocessing");
  mkdirSync(site, { recursive: true });
  writeFileSync(
    join(site, "index.html"),
    '<!doctype html><meta charset="utf-8"><script type="module" src="main.js"></script>',
  );
  await build({
    stdin: {
      contents: `import { preprocess, readExample } from "@innerloop/runtime/input";
import { preprocessedShape } from "@innerloop/schemas/preprocessing";
import { randomInput } from "./test/runtime/random-inputs.ts";
const bitsOf = (numbers) => [...new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length)];
window.made = async (from, to) => {
  const made = [];
  for (let number = from; number < to; number++) {
    const { how, input } = randomInput(number);
    const later = await readExample({ input: { shape: preprocessedShape(how), dtype: "float32", preprocessing: how } }, input);
    made.push([bitsOf(preprocess(how, input)), bitsOf(later)]);
  }
  return made;
};`,
      resolveDir: repository,
    },
    ...{ bundle: true, format: "esm", target: "es2022", platform: "browser", splitting: true, outdir: site },
    ...{ entryNames: "main", logLevel: "error", external: ["onnxruntime-*"] },
  });
  const { url, server } = await serve({ site });
  const browser = await launch({ webgpu: false });
  try {
    const page = await browser.newPage();
    await page.goto(`${url}/site/`);
    await page.waitForFunction("window.made");
    for (let from = 0; from < count; from += 80) {
      const made = (await page.evaluate(`made(${from}, ${from + 80})`)) as [number[], number[]][];
      made.forEach((bits, i) => {
        const expected = inNode(from + i);
        expect(bits, JSON.stringify(randomInput(from + i).how)).toEqual([expected, expected]);
      });
    }
  } finally {
    await browser.close();
    server.close();
  }
});
