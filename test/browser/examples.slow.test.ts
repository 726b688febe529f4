// The page examples as their visitors meet them: built, served, drawn on with a mouse.
import { mkdirSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "@innerloop/export";
import { conv4, prototypeLearner } from "@innerloop/train";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { randomWeights } from "../export/learners.ts";
import { describeUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { launch, noChromium, serve } from "./chromium.ts";

type Path = readonly (readonly [x: number, y: number])[];
/** Marks that even an untrained network tells apart, in shares of the pad. */
const marks: Record<string, Path> = {
  line: [
    [0.2, 0.5],
    [0.8, 0.5],
  ],
  zigzag: [
    [0.2, 0.8],
    [0.35, 0.2],
    [0.5, 0.8],
    [0.65, 0.2],
    [0.8, 0.8],
  ],
};

async function draw(page: Page, pad: string, path: Path): Promise<void> {
  const box = (await page.locator(pad).boundingBox())!;
  const [first, ...rest] = path.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height] as const);
  await page.mouse.move(...first!);
  await page.mouse.down();
  for (const point of rest) await page.mouse.move(...point, { steps: 8 });
  await page.mouse.up();
}

describeUnless(noChromium, "the page examples", () => {
  const folder = temporaryFolder();
  let browser: Browser;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    const learner = prototypeLearner(conv4([28, 28, 1], 5, { filters: 8 }));
    const preprocessing = { kind: "image", width: 28, height: 28, channels: 1, invert: true, mean: 0, std: 1 } as const;
    const { manifest, files } = buildBundle(learner, randomWeights(learner), { preprocessing });
    const place = join(folder, "public", "bundle");
    mkdirSync(place, { recursive: true });
    for (const [file, bytes] of Object.entries(files)) writeFileSync(join(place, file), bytes);
    writeFileSync(join(place, "manifest.json"), JSON.stringify(manifest));
    for (const name of ["web", "react"])
      await build({
        root: fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)),
        base: "./",
        publicDir: join(folder, "public"),
        logLevel: "error",
        build: { outDir: join(folder, name), emptyOutDir: true, target: "es2022", reportCompressedSize: false },
      });
    ({ url, server } = await serve({ web: join(folder, "web"), react: join(folder, "react") }));
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  async function open(name: string): Promise<{ page: Page; errors: string[] }> {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", ({ message }) => errors.push(message));
    await page.goto(`${url}/${name}/`);
    return { page, errors };
  }

  it("examples/web learns what is drawn", { timeout: 60_000 }, async () => {
    const { page, errors } = await open("web");
    await page.waitForFunction("document.body.dataset.provider");
    for (const [label, path] of Object.entries(marks)) {
      await draw(page, "#pad", path);
      await page.getByLabel("What is it?").fill(label);
      await page.getByRole("button", { name: "Learn" }).click();
      await page.waitForFunction((name) => document.querySelector("#answer")?.textContent?.includes(name), label);
    }
    for (const [label, path] of Object.entries(marks)) {
      await page.getByRole("button", { name: "Clear" }).click();
      await draw(page, "#pad", path);
      await page.waitForFunction(
        (name) => document.querySelector("#answer")?.textContent?.startsWith(`${name},`),
        label,
      );
    }
    // An empty pad is no example, and the page says why.
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByLabel("What is it?").fill("nothing");
    await page.getByRole("button", { name: "Learn" }).click();
    await page.waitForFunction(() => /expected|values/.test(document.querySelector("#answer")?.textContent ?? ""));
    expect(errors).toEqual([]);
    await page.close();
  });

  it("examples/react learns gestures and keeps them", { timeout: 60_000 }, async () => {
    const { page, errors } = await open("react");
    const pad = '[aria-label="Gesture pad"]';
    for (const [label, path] of Object.entries(marks)) {
      await draw(page, pad, path);
      await page.getByLabel("Its name").fill(label);
      await page.getByRole("button", { name: "Learn" }).click();
      await page.getByRole("listitem").filter({ hasText: label }).waitFor();
    }
    await draw(page, pad, marks.zigzag!);
    await page.getByText(/^zigzag, \d+ % sure$/).waitFor();
    await page.reload();
    await page.getByRole("listitem").filter({ hasText: "line" }).waitFor();
    await draw(page, pad, marks.line!);
    await page.getByText(/^line, \d+ % sure$/).waitFor();
    await page.getByRole("listitem").filter({ hasText: "line" }).getByRole("button", { name: "Forget" }).click();
    await page.getByRole("listitem").filter({ hasText: "line" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByRole("listitem").filter({ hasText: "line" }).waitFor();
    expect(errors).toEqual([]);
    await page.close();
  });
});
