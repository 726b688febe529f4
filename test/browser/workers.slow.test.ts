// The runtime in workers: in a service worker, where import() is forbidden and no worker can be started, in one of a page, and
// in a page that is not isolated. What a page promises holds in all.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "@innerloop/export";
import { Learner } from "@innerloop/runtime";
import { conv4, prototypeLearner } from "@innerloop/train";
import { build } from "esbuild";
import type { Browser } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { randomEpisode, randomWeights } from "../export/learners.ts";
import { describeUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { launch, noChromium, serve } from "./chromium.ts";

interface Life {
  readonly refused?: string;
  readonly provider: string;
  readonly isolated: boolean;
  readonly id: string;
  readonly accuracy: number;
  readonly logits: number[][];
  readonly restored: number[][];
  readonly supportLoss: number[];
  readonly pictures: number[][];
}

describeUnless(noChromium, "the runtime in workers", () => {
  const folder = temporaryFolder();
  const [site, bundles] = [join(folder, "site"), join(folder, "bundles")];
  const learner = prototypeLearner(conv4([12, 12, 1], 4, { filters: 8 }));
  const { support, query } = randomEpisode(learner, 4, 2, 2);
  const rows = ({ data }: { data: ArrayLike<number | bigint> }) =>
    Array.from({ length: data.length / 144 }, (_, i) =>
      Array.from(data as ArrayLike<number>).slice(i * 144, (i + 1) * 144),
    );
  const examples = rows(support.x).map((data, i) => ({ label: `class ${support.y.data[i]}`, data }));
  const queries = rows(query.x);
  const ort = dirname(createRequire(import.meta.url).resolve("onnxruntime-web/wasm"));
  let browser: Browser;
  let server: Server;
  let url: string;
  let expected: Omit<Life, "provider" | "isolated" | "restored" | "id">;

  beforeAll(async () => {
    const preprocessing = {
      kind: "image",
      width: 12,
      height: 12,
      channels: 1,
      invert: true,
      mean: 0.3,
      std: 0.5,
    } as const;
    const { manifest, files } = buildBundle(learner, randomWeights(learner), { preprocessing });
    mkdirSync(bundles);
    mkdirSync(site);
    for (const [file, bytes] of Object.entries(files)) writeFileSync(join(bundles, file), bytes);
    writeFileSync(join(bundles, "manifest.json"), JSON.stringify(manifest));
    const pixels = Uint8Array.from({ length: 50 * 37 * 3 }, (_, i) => (i * i * 7 + (i % 3) * 60) % 256);
    const png = await sharp(pixels, { raw: { width: 50, height: 37, channels: 3 } })
      .png()
      .toBuffer();
    writeFileSync(join(bundles, "picture.png"), png);

    const entry = fileURLToPath(new URL("worker/worker.js", import.meta.url));
    const common = {
      bundle: true,
      format: "esm",
      platform: "browser",
      logLevel: "error",
      absWorkingDir: folder,
    } as const;
    await build({ ...common, entryPoints: [entry], outfile: join(site, "worker.js") });
    await build({ ...common, entryPoints: [entry], outdir: join(site, "split"), splitting: true });
    writeFileSync(join(site, "index.html"), "<!doctype html>");
    ({ url, server } = await serve({ site, bundles, ort }));
    browser = await launch();

    const here: Learner = await Learner.load(bundles, { provider: "cpu" });
    const mine = await here.adapt(examples);
    const logits = (await mine.predictBatch(queries)).map((answer) => [...answer.logits]);
    const { accuracy } = await mine.evaluate(examples);
    const picture = Array.from(await here.example(readFileSync(join(bundles, "picture.png"))));
    expected = { accuracy, logits, supportLoss: [...mine.supportLoss], pictures: new Array(5).fill(picture) };
    await here.dispose();
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  async function live(
    kind: "service" | "dedicated",
    script: string,
    { provider, ...options }: { provider: string; wasmPaths?: unknown; threads?: number },
    at = url,
  ): Promise<Life> {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${at}/site/`);
    const message = {
      ...{ bundle: `${at}/bundles/`, support: examples, queries, picture: "picture.png" },
      ...{ options: provider === "wasm" ? options : { ...options, provider }, check: provider === "wasm" },
    };
    const life = await page.evaluate(
      async ([kind, place, message]) => {
        const inService = async () => {
          const { installing, waiting, active } = await navigator.serviceWorker.register(place, { type: "module" });
          const worker = (installing ?? waiting ?? active)!;
          while (worker.state !== "activated") await new Promise((resolve) => setTimeout(resolve, 20));
          return worker;
        };
        const worker = kind === "service" ? await inService() : new Worker(place, { type: "module" });
        const { port1, port2 } = new MessageChannel();
        worker.postMessage(message, [port2]);
        return new Promise((resolve) => {
          port1.onmessage = ({ data }) => resolve(data);
        });
      },
      [kind, `${at}/site/${script}`, message] as const,
    );
    await context.close();
    return life as Life;
  }

  function same(life: Life): void {
    expect(life.refused).toBeUndefined();
    expect(life.id).toBe(`#${examples.length + 1}`);
    expect(life.restored).toEqual(life.logits);
    expect(life.pictures).toEqual(expected.pictures);
    expect(life.accuracy).toBe(expected.accuracy);
    for (const [i, logits] of life.logits.entries()) {
      for (const [j, logit] of logits.entries()) expect(logit).toBeCloseTo(expected.logits[i]![j]!, 3);
    }
  }

  it.each([
    ["a folder of wasmPaths", { provider: "wasm", wasmPaths: "/ort/" }],
    ["a folder of wasmPaths on WebGPU", { provider: "webgpu", wasmPaths: "/ort/" }],
    ["a folder of wasmPaths, and threads", { provider: "wasm", wasmPaths: "/ort/", threads: 4 }],
    ["a file of wasmPaths", { provider: "wasm", wasmPaths: { wasm: "/ort/ort-wasm-simd-threaded.wasm" } }],
  ])("a service worker answers as Node, with %s", { timeout: 120_000 }, async (_, options) => {
    const life = await live("service", "worker.js", options);
    same(life);
    expect([life.provider, life.isolated]).toEqual([options.provider, true]);
  });

  it.each([
    ["in one file", "worker.js", 1],
    ["in several files", "split/worker.js", 1],
    ["in several files, on two threads", "split/worker.js", 2],
  ])("a page's worker answers as Node, %s", { timeout: 60_000 }, async (_, script, threads) => {
    const life = await live("dedicated", script, { provider: "wasm", wasmPaths: "/ort/", threads });
    same(life);
    expect(life.isolated).toBe(true);
  });

  it("what is not isolated runs on one thread", { timeout: 60_000 }, async () => {
    const open = await serve({ site, bundles, ort }, false);
    const life = await live("dedicated", "worker.js", { provider: "wasm", wasmPaths: "/ort/", threads: 2 }, open.url);
    open.server.close();
    same(life);
    expect(life.isolated).toBe(false);
  });

  it("a service worker that was split is told how it is built", { timeout: 60_000 }, async () => {
    expect((await live("service", "split/worker.js", { provider: "wasm", wasmPaths: "/ort/" })).refused).toMatch(
      /^onnxruntime-missing .*import\(\) is disallowed.*; build the service worker as one file, without code splitting$/,
    );
  });
});
