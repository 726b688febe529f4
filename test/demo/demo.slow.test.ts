// The page as its visitors meet it: Chromium, real strokes, the bundle that comes with it.
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { noChromium } from "../browser/chromium.ts";
import { describeUnless } from "../support/absent.ts";
import { attempt, chances, type Shape, shapes } from "./strokes.ts";
import { answer, expectAccessible, labels, untilSaid, visiting } from "./visits.ts";

describeUnless(noChromium, "the page", () => {
  const visit = visiting();

  /** Draws with the mouse and says that it is done; back when the page has said something. */
  async function draw(page: Page, shape: Shape): Promise<void> {
    const { x, y, width, height } = (await page.locator("#pad").boundingBox())!;
    for (const stroke of shape) {
      const [first, ...rest] = stroke.map(([px, py]) => [x + px * width, y + py * height] as const);
      await page.mouse.move(...first!);
      await page.mouse.down();
      for (const point of rest) await page.mouse.move(...point);
      await page.mouse.up();
    }
    await untilSaid(page, () => page.keyboard.press("Enter"));
  }

  const { key: never, ...taught } = shapes;

  async function teachAll(page: Page, chance: () => number): Promise<void> {
    for (const shape of Object.values(taught)) {
      await page.locator("#mode-teach").check({ force: true });
      await draw(page, attempt(shape, chance));
    }
    expect(await labels(page)).toEqual(["A", "B", "C", "D", "E"]);
    await page.locator("#mode-try").check({ force: true });
  }

  it("knows five symbols again that were drawn once each, says none of these to a sixth, and asks nobody else", {
    timeout: 120_000,
  }, async () => {
    const { page, elsewhere, errors } = await visit();
    const chance = chances(5);
    await teachAll(page, chance);

    let right = 0;
    for (let turn = 0; turn < 4; turn++) {
      for (const [i, shape] of Object.values(taught).entries()) {
        await draw(page, attempt(shape, chance));
        if ((await answer(page)) === "ABCDE"[i]) right += 1;
      }
    }
    expect(right).toBeGreaterThanOrEqual(18);

    let none = 0;
    for (let turn = 0; turn < 5; turn++) {
      await draw(page, attempt(never, chance));
      if ((await answer(page)) === "") none += 1;
    }
    expect(none).toBeGreaterThanOrEqual(3);

    expect(elsewhere).toEqual([]);
    expect(errors).toEqual([]);
  });

  it("learns, forgets, takes back, renames, and keeps what it learned in a file", async () => {
    const { page, errors } = await visit();
    const chance = chances(11);
    await page.locator("#mode-teach").check({ force: true });
    await draw(page, attempt(taught.snail, chance));
    expect(await page.locator("#mode-try").isDisabled()).toBe(true);
    await draw(page, attempt(taught.cross, chance));
    expect(await labels(page)).toEqual(["A", "B"]);
    expect(await page.locator("#mode-try").isChecked()).toBe(true);

    // A correction is a further drawing of what it should have been.
    await draw(page, attempt(taught.moon, chance));
    await page.locator('[data-answer="A"] button').click();
    await page.locator(".card[data-label=A] .drawings button").nth(1).waitFor();
    await page.locator("#undo").click();
    await page.locator(".card[data-label=A] .drawings").waitFor({ state: "detached" });

    await page.locator(".new").click();
    await draw(page, attempt(taught.moon, chance));
    expect(await labels(page)).toEqual(["A", "B", "C"]);
    await page.getByRole("button", { name: "Remove B" }).click();
    await expect.poll(() => labels(page)).toEqual(["A", "C"]);
    await page.getByLabel("Name of C").fill("moon");
    await page.getByLabel("Name of C").press("Enter");
    await expect.poll(() => labels(page)).toEqual(["A", "moon"]);

    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#save").click()]);
    const file = await download.path();
    await page.locator("#restart").click();
    await expect.poll(() => labels(page)).toEqual([]);
    await page.locator("#file").setInputFiles(file);
    await expect.poll(() => labels(page)).toEqual(["A", "moon"]);
    await draw(page, attempt(taught.moon, chance));
    expect(await answer(page)).toBe("moon");

    // Back to before the file, before the start from nothing, before the name, before the removal.
    for (const expected of [[], ["A", "moon"], ["A", "C"], ["A", "B", "C"]]) {
      await page.locator("#undo").click();
      await expect.poll(() => labels(page)).toEqual(expected);
    }

    await page
      .locator("#file")
      .setInputFiles({ name: "other.safetensors", mimeType: "", buffer: Buffer.from("other") });
    await expect.poll(() => page.locator("#headline").textContent()).toBe("That did not work.");
    expect(await labels(page)).toEqual(["A", "B", "C"]);
    expect(errors).toEqual([]);
  });

  it("is drawn on with the keyboard, and draws for whoever would rather not", async () => {
    const { page, errors } = await visit();
    await page.locator("#pad").focus();
    for (const direction of ["ArrowRight", "ArrowDown"]) {
      await page.keyboard.press(" ");
      await page.keyboard.down(direction);
      await page.waitForTimeout(300);
      await page.keyboard.up(direction);
      await page.keyboard.press(" ");
    }
    await page.keyboard.press("Enter");
    await expect.poll(() => labels(page)).toEqual(["A"]);
    await page.locator("#draw").click();
    await expect.poll(() => labels(page)).toEqual(["A", "B"]);
    expect(await page.locator("#status").textContent()).toContain("draw one of them again");
    expect(errors).toEqual([]);
  });

  it("shows how the loss fell, how long it took and where it runs", async () => {
    const { page } = await visit();
    for (let i = 0; i < 2; i++) {
      await page.locator("#draw").click();
      await page.locator(".card").nth(i).waitFor();
    }
    const [, from, to] = /fell from ([\d.]+) to ([\d.]+)/.exec(
      (await page.locator("#chart").getAttribute("aria-label"))!,
    )!;
    expect(Number(to)).toBeLessThan(Number(from));
    expect(await page.locator("#adapt-ms").textContent()).toMatch(/^[\d.]+\sms$/);
    expect(await page.locator("#provider").inputValue()).toBe("wasm");
    await page.locator("summary").click();
    expect(await page.locator("#reason").textContent()).toContain("WebAssembly is chosen");
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  });

  it.each([
    ["light", "en-GB"],
    ["dark", "zh-CN"],
  ] as const)(
    "is accessible, %s and %s, empty and taught, and fits a phone of 320 pixels",
    async (colorScheme, locale) => {
      const { page, errors } = await visit({ colorScheme, locale, viewport: { width: 320, height: 700 } });
      expect(await page.locator("html").getAttribute("lang")).toBe(locale === "zh-CN" ? "zh-CN" : "en");
      await expectAccessible(page);
      await page.locator("#mode-teach").check({ force: true });
      const chance = chances(3);
      await draw(page, attempt(taught.tree, chance));
      await draw(page, attempt(taught.zigzag, chance));
      await draw(page, attempt(taught.tree, chance));
      await page.locator("[aria-disabled=false]").first().click();
      await page.locator(".drawings").waitFor();
      await draw(page, attempt(taught.zigzag, chance));
      await expectAccessible(page);
      expect(errors).toEqual([]);
    },
  );
});
