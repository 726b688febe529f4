// Visitors of the page: Chromium on what `innerloop demo` serves, with everything noted that the page asks for elsewhere and all
// that goes wrong on it.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { launch } from "../browser/chromium.ts";
import { program } from "../support/innerloop.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;
export const desktop = { viewport: { width: 1280, height: 800 } } as const;

export interface Visit {
  readonly page: Page;
  readonly elsewhere: string[];
  readonly errors: string[];
}

export interface VisitOptions extends BrowserContextOptions {
  /** Which way to record: `sound`. */
  readonly way?: string;
  /** Runs in the page before its own scripts. */
  readonly before?: string;
}

/**
 * Serves the page for a file of tests.
 *
 * @param args of Chromium
 * @returns opens the page, ready for use
 */
export function visiting(args: readonly string[] = []): (options?: VisitOptions) => Promise<Visit> {
  let server: ChildProcess;
  let url: string;
  let browser: Browser;

  beforeAll(async () => {
    server = spawn(process.execPath, [program, "demo", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
    url = await new Promise((resolve, reject) => {
      server.stdout!.once("data", (chunk) => resolve(String(chunk).trim()));
      server.once("exit", (status) => reject(new Error(`innerloop demo ended with status ${status}`)));
    });
    browser = await launch({ webgpu: false, args });
  });

  afterAll(async () => {
    await browser?.close();
    server?.kill("SIGINT");
  });

  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });

  return async ({ way, before, ...options } = {}) => {
    const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
    const page = await context.newPage();
    const elsewhere: string[] = [];
    const errors: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) elsewhere.push(request.url());
    });
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", ({ message }) => errors.push(message));
    if (before) await page.addInitScript(before);
    await page.goto(way ? `${url}#${way}` : url);
    await page.locator(".stage").waitFor();
    return { page, elsewhere, errors };
  };
}

/** The names of what was taught. */
export const labels = (page: Page): Promise<string[]> =>
  page.locator(".card").evaluateAll((cards) => cards.map((card) => (card as HTMLElement).dataset.label!));

/** What the last recording was taken for; "" is none of what was taught. */
export const answer = (page: Page): Promise<string | null> =>
  page.locator("li:has(> [aria-current])").getAttribute("data-answer");

/** Does something that the page has to answer; back when it has said something. */
export async function untilSaid(page: Page, action: () => Promise<unknown>): Promise<string> {
  await page.evaluate(() => document.getElementById("status")!.replaceChildren());
  await action();
  // That the model is not there yet is no answer.
  await page.waitForFunction(() => !/^$|loading|载入/.test(document.getElementById("status")!.textContent));
  return (await page.locator("#headline").textContent())!;
}

/** Turns to teaching something new. */
export const turnToTeach = (page: Page): Promise<void> => page.locator("#mode-teach").check({ force: true });
export const turnToTry = (page: Page): Promise<void> => page.locator("#mode-try").check({ force: true });

/** Until what moves or fades in has come to rest, but for what goes on for good or for long. */
const settled = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const ends = document.getAnimations().map(({ finished }) => finished.catch(() => {}));
    await Promise.race([Promise.all(ends), new Promise((resolve) => setTimeout(resolve, 2000))]);
  });

/** Nothing that shuts anybody out, and no scrolling sideways. */
export async function expectAccessible(page: Page): Promise<void> {
  await settled(page);
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    return (await axe.run()).violations.map(({ id, impact, nodes }) => ({ id, impact, first: nodes[0]?.html }));
  });
  expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
  const { width } = page.viewportSize()!;
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}
