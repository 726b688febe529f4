// The runtime in a real page: built by a bundler without settings, on WebAssembly and on WebGPU, with the numbers of Node.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "@innerloop/export";
import { Learner } from "@innerloop/runtime";
import { anil, conv4, maml, prototypeLearner } from "@innerloop/train";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomEpisode, randomWeights, temporaryFolder } from "../export/learners.ts";
import { executablePath, launch, noChromium, serve } from "./chromium.ts";

const body = () => conv4([12, 12, 1], 4, { filters: 8 });
const learners = {
  maml: () => maml(body(), { innerRate: 0.05, steps: 3 }),
  anil: () => anil(body(), { innerRate: 0.1, steps: 5, head: "zero" }),
  prototypes: () => prototypeLearner(body()),
};

declare global {
  // What test/browser/page/main.js puts there.
  function live(bundle: string, provider: string, support: unknown, queries: unknown): Promise<Life>;
  function refusal(bundle: string, options?: object): Promise<{ known: boolean; code: string; message: string }>;
}

interface Life {
  readonly provider: { readonly name: string };
  readonly supportLoss: number[];
  readonly logits: number[][];
  readonly together: number[][];
  readonly restored: number[][];
  readonly isolated: boolean;
}

const farthest = (a: readonly number[], b: readonly number[]): number => {
  expect(a.length).toBe(b.length);
  const size = Math.max(...b.map(Math.abs), 1e-3);
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) / size;
};

describe.skipIf(!executablePath)(`the runtime in a page${noChromium}`, () => {
  const folder = temporaryFolder();
  const [site, bundles] = [join(folder, "site"), join(folder, "bundles")];
  let browser: Browser;
  let server: Server;
  let elsewhere: Server;
  let otherOrigin: string;
  let url: string;

  beforeAll(async () => {
    for (const [name, make] of Object.entries(learners)) {
      const learner = make();
      const { manifest, files } = buildBundle(learner, randomWeights(learner));
      mkdirSync(join(bundles, name), { recursive: true });
      for (const [file, bytes] of Object.entries(files)) writeFileSync(join(bundles, name, file), bytes);
      writeFileSync(join(bundles, name, "manifest.json"), JSON.stringify(manifest));
    }
    cpSync(join(bundles, "prototypes"), join(bundles, "cut"), { recursive: true });
    writeFileSync(
      join(bundles, "cut", "predict.onnx"),
      readFileSync(join(bundles, "cut", "predict.onnx")).subarray(0, 999),
    );
    cpSync(join(bundles, "prototypes"), join(bundles, "newer"), { recursive: true });
    const manifest = JSON.parse(readFileSync(join(bundles, "newer", "manifest.json"), "utf8"));
    writeFileSync(join(bundles, "newer", "manifest.json"), JSON.stringify({ ...manifest, version: 99 }));
    await build({
      root: fileURLToPath(new URL("page", import.meta.url)),
      base: "./",
      logLevel: "error",
      build: { outDir: site, emptyOutDir: true, target: "es2022", reportCompressedSize: false },
    });
    ({ url, server } = await serve({ site, bundles }));
    ({ url: otherOrigin, server: elsewhere } = await serve({ bundles }));
    browser = await launch();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
    elsewhere?.close();
  });

  async function open(): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(`${url}/site/`);
    await page.waitForFunction("window.ready");
    return page;
  }

  describe.each(["wasm", "webgpu"])("on %s", (provider) => {
    it.each(Object.keys(learners))(
      "%s answers as in Node, and after it was saved and restored",
      { timeout: 120_000 },
      async (name) => {
        const learner = learners[name as keyof typeof learners]();
        const { support, query } = randomEpisode(learner, 4, 2, 2);
        const size = 144;
        const rows = ({ data }: { data: ArrayLike<number | bigint> }) =>
          Array.from({ length: data.length / size }, (_, i) =>
            Array.from(data as ArrayLike<number>).slice(i * size, (i + 1) * size),
          );
        const examples = rows(support.x).map((data, i) => ({ label: `class ${support.y.data[i]}`, data }));
        const queries = rows(query.x);
        const here: Learner = await Learner.load(join(bundles, name), { provider: "cpu" });
        const mine = await here.adapt(examples);
        const expected = await mine.predictBatch(queries);

        const page = await open();
        const life: Life = await page.evaluate(
          ([bundle, on, known, asked]) => live(bundle as string, on as string, known, asked),
          [`${url}/bundles/${name}/`, provider, examples, queries],
        );
        expect([life.provider.name, life.isolated]).toEqual([provider, true]);
        expect(farthest(life.supportLoss, mine.supportLoss)).toBeLessThan(1e-4);
        life.logits.forEach((logits, i) => {
          expect(farthest(logits, expected[i]!.logits)).toBeLessThan(1e-4);
          expect(farthest(life.together[i]!, logits)).toBeLessThan(1e-4);
        });
        expect(life.restored).toEqual(life.logits);
        await here.dispose();
        await page.close();
      },
    );
  });

  it("says what is wrong with a bundle from a server", { timeout: 60_000 }, async () => {
    const page = await open();
    const refused = (bundle: string, options: object = {}) =>
      page.evaluate(([from, how]) => refusal(from as string, how as object), [bundle, options] as const);
    expect(await refused(`${url}/bundles/cut/`)).toMatchObject({
      known: true,
      code: "bundle-altered",
      message: expect.stringContaining("it has 999 bytes"),
    });
    expect(await refused(`${url}/bundles/newer/`)).toMatchObject({ known: true, code: "newer-version" });
    expect(await refused(`${url}/bundles/none/`)).toMatchObject({ known: true, code: "bundle-missing" });
    // Another origin that does not allow it, and one that is not there.
    expect(await refused(`${otherOrigin}/bundles/maml/`)).toMatchObject({ known: true, code: "bundle-unreachable" });
    expect(await refused("http://127.0.0.1:9/maml/")).toMatchObject({ known: true, code: "bundle-unreachable" });
    expect(await refused(`${url}/bundles/maml/`, { provider: "cuda" })).toMatchObject({
      known: true,
      code: "provider-unavailable",
    });
    await page.close();
  });
});
