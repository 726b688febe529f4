// The runtime in a real page: built by a bundler without settings, on WebAssembly and on WebGPU, with the numbers of Node.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "@innerloop/export";
import { Learner } from "@innerloop/runtime";
import type { Preprocessing } from "@innerloop/schemas";
import { anil, conv4, maml, prototypeLearner } from "@innerloop/train";
import { encode } from "fast-png";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { build } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { randomEpisode, randomWeights } from "../export/learners.ts";
import { describeUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { launch, noChromium, serve } from "./chromium.ts";

const body = () => conv4([12, 12, 1], 4, { filters: 8 });
const learners = {
  maml: () => maml(body(), { innerRate: 0.05, steps: 3 }),
  anil: () => anil(body(), { innerRate: 0.1, steps: 5, head: "zero" }),
  prototypes: () => prototypeLearner(body()),
};

declare global {
  // What test/browser/page/main.js puts there.
  function live(bundle: string, provider: string, support: unknown, queries: unknown): Promise<Life>;
  function pictures(bundle: string, place: string): Promise<{ made: Record<string, number[]>; early: string }>;
  function refusedPictures(
    bundle: string,
    elsewhere: string,
    files: Record<string, number[]>,
  ): Promise<Record<string, string>>;
  function sound(bundle: string, planes: number[][], rate: number): Promise<number[]>;
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

/**
 * Learners on a provider, beside Node.
 * @param more whether pictures, sounds and errors are tried as well, which are the same on every provider
 */
export function describeRuntime(provider: "wasm" | "webgpu", more: boolean): void {
  describeUnless(noChromium, `the runtime in a page, on ${provider}`, () => {
    const folder = temporaryFolder();
    const [site, bundles] = [join(folder, "site"), join(folder, "bundles")];
    let browser: Browser;
    let server: Server;
    let elsewhere: Server;
    let otherOrigin: string;
    let url: string;

    beforeAll(async () => {
      const bodies = { ...learners, pictures: learners.prototypes, sound: learners.prototypes };
      const preprocessing: Record<string, Preprocessing> = {
        pictures: { kind: "image", width: 12, height: 12, channels: 1, invert: true, mean: 0.3, std: 0.5 },
        sound: { kind: "window", length: 144, channels: 1, rate: 8000, mean: 0, std: 0.1 },
      };
      for (const [name, make] of Object.entries(bodies)) {
        const learner = make();
        const how = preprocessing[name];
        const { manifest, files } = buildBundle(learner, randomWeights(learner), how && { preprocessing: how });
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
    });
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

    if (more) {
      it("makes of a picture what Node makes of it, to the bit, in every form", { timeout: 60_000 }, async () => {
        const data = Uint8Array.from({ length: 50 * 37 * 3 }, (_, i) => (i * i * 7 + (i % 3) * 60) % 256);
        const png = await sharp(data, { raw: { width: 50, height: 37, channels: 3 } })
          .png()
          .toBuffer();
        writeFileSync(join(site, "picture.png"), png);
        const here: Learner = await Learner.load(join(bundles, "pictures"), { provider: "cpu" });
        const expected = Array.from(await here.example(png));
        const page = await open();
        const { made, early } = await page.evaluate(
          ([bundle, place]) => pictures(bundle!, place!),
          [`${url}/bundles/pictures/`, "picture.png"],
        );
        // A video has colours of its own.
        const { video, ...exact } = made;
        expect(Object.keys(exact).length).toBe(11);
        for (const [form, example] of Object.entries(exact)) expect([form, example]).toEqual([form, expected]);
        video!.forEach((value, i) => {
          expect(Math.abs(value - expected[i]!)).toBeLessThan(0.1);
        });
        expect(early).toMatch(/^bad-input the picture has no pixels yet; wait until it is loaded or plays/);

        const elsewhere = "http://127.0.0.1:9/picture.png";
        const headers = { "cross-origin-resource-policy": "cross-origin" };
        await page.route(elsewhere, (route) => route.fulfill({ body: png, contentType: "image/png", headers }));
        const twelve = Uint16Array.of(0, 1000, 2000, 4095);
        const dark = encode({ width: 2, height: 2, data: twelve, channels: 1, depth: 16 });
        const large = await sharp({ create: { width: 9000, height: 9000, channels: 3, background: "red" } })
          .png()
          .toBuffer();
        const files = { dark: [...dark], large: [...large.subarray(0, 64)], page: [...Buffer.from("<!doctype html>")] };
        const said = await page.evaluate(([bundle, place, bytes]) => refusedPictures(bundle, place, bytes), [
          `${url}/bundles/pictures/`,
          elsewhere,
          files,
        ] as const);
        expect(said).toEqual({
          broken: expect.stringMatching(/^image-broken the picture: cannot be read as an image/),
          tainted: expect.stringMatching(
            /^image-unreadable the picture comes from another origin, .* set crossOrigin = "anonymous"/,
          ),
          text: expect.stringMatching(/^image-broken 4 bytes: cannot be read as an image/),
          none: expect.stringMatching(
            /^bad-input input of an unknown form was given; this bundle takes a decoded picture, .* VideoFrame/,
          ),
          path: expect.stringMatching(/^file-missing/),
          element: expect.stringMatching(/^bad-input input of an unknown form/),
          dark: expect.stringMatching(/^image-unscaled \d+ bytes: it holds 16-bit numbers in the darkest sixteenth/),
          large: expect.stringMatching(/^image-too-large 64 bytes: it has 9000×9000 pixels/),
          page: expect.stringMatching(/^image-broken 15 bytes: it is a web page/),
        });
        await page.close();
        await here.dispose();
      });

      it("makes of an AudioBuffer what Node makes of its samples", { timeout: 60_000 }, async () => {
        const planes = [0.01, 0.013].map((pitch) =>
          Array.from({ length: 1200 }, (_, i) => Math.fround(Math.sin(pitch * i))),
        );
        const here: Learner = await Learner.load(join(bundles, "sound"), { provider: "cpu" });
        const data = planes[0]!.flatMap((left, i) => [left, planes[1]![i]!]);
        const expected = Array.from(await here.example({ data, rate: 44_100, channels: 2 }));
        const page = await open();
        const made = await page.evaluate(([bundle, sounds]) => sound(bundle, sounds, 44_100), [
          `${url}/bundles/sound/`,
          planes,
        ] as const);
        expect(made).toEqual(expected);
        await page.close();
        await here.dispose();
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
        expect(await refused(`${otherOrigin}/bundles/maml/`)).toMatchObject({
          known: true,
          code: "bundle-unreachable",
        });
        expect(await refused("http://127.0.0.1:9/maml/")).toMatchObject({ known: true, code: "bundle-unreachable" });
        expect(await refused(`${url}/bundles/maml/`, { provider: "cuda" })).toMatchObject({
          known: true,
          code: "provider-unavailable",
        });
        await page.close();
      });
    }
  });
}
