// Gestures, sounds and pictures on the page, with motion, sound and camera streams that are made in it: on a phone and on a desktop,
// with devices and without.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { starterBundles } from "@innerloop/bundles";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { noChromium } from "../browser/chromium.ts";
import { describeUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { askingSensors, camera, microphone, motion, tone, troubles } from "./streams.ts";
import {
  answer,
  desktop,
  expectAccessible,
  labels,
  phone,
  turnToTeach,
  turnToTry,
  untilSaid,
  type VisitOptions,
  visiting,
} from "./visits.ts";

const screens: readonly (readonly [string, VisitOptions])[] = [
  ["a phone", { ...phone, colorScheme: "dark" }],
  ["a desktop", desktop],
];

const call = (page: Page, name: string, ...args: string[]): Promise<void> =>
  page.evaluate(
    ([name, args]) => (globalThis as never as Record<string, (...args: string[]) => void>)[name]!(...args),
    [name, args] as const,
  );

/** Presses the round button until something is over. */
async function holdUntil(page: Page, over: () => Promise<void>): Promise<void> {
  const { x, y, width, height } = (await page.locator("#record").boundingBox())!;
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await over();
  await page.mouse.up();
}

/** The same for some time. */
const hold = (page: Page, ms: number): Promise<void> => holdUntil(page, () => page.waitForTimeout(ms));

/** Teaches three things, one example each, and counts which of six others it knows and which it takes for another. */
async function teachAndTry(page: Page, things: readonly string[], record: (thing: string) => Promise<unknown>) {
  for (const thing of things) {
    await turnToTeach(page);
    await untilSaid(page, () => record(thing));
  }
  expect(await labels(page)).toEqual(["A", "B", "C"]);
  await turnToTry(page);
  const counts = { right: 0, wrong: 0 };
  for (const thing of [...things, ...things]) {
    await untilSaid(page, () => record(thing));
    const taken = await answer(page);
    if (taken === "ABC"[things.indexOf(thing)]) counts.right += 1;
    else if (taken !== "") counts.wrong += 1;
  }
  return counts;
}

/** Why a page cannot be tried: there is no browser, or no bundle for it. */
const missing = (bundle: string): string | undefined =>
  noChromium ?? (starterBundles.some(({ name }) => name === bundle) ? undefined : `the bundle ${bundle}`);

/** From one example each, a bundle takes some of what it was taught for none of these; that is no mistake of the page. */
function expectKnown({ right, wrong }: { readonly right: number; readonly wrong: number }): void {
  expect(right).toBeGreaterThanOrEqual(4);
  expect(wrong).toBeLessThanOrEqual(1);
}

describeUnless(missing("motions"), "gestures", () => {
  const visit = visiting();

  it.each(screens)("are learned from one take each and known again, on %s", { timeout: 120_000 }, async (_, screen) => {
    const { page, elsewhere, errors } = await visit({ ...screen, way: "gesture", before: motion });
    await page.getByText("Hold while you move the phone").waitFor();
    await expectAccessible(page);
    const counts = await teachAndTry(page, ["circle", "shake", "nod"], async (gesture) => {
      await call(page, "move", gesture);
      await page.waitForTimeout(100);
      await hold(page, 1800);
      await call(page, "move", "");
    });
    expectKnown(counts);
    await expectAccessible(page);
    expect([elsewhere, errors]).toEqual([[], []]);
  });

  it("are counted down to after a tap, and end by themselves", { timeout: 60_000 }, async () => {
    const { page, errors } = await visit({ ...phone, way: "gesture", before: motion });
    await page.getByText("Hold while you move the phone").waitFor();
    await page.locator("#record").tap();
    await expect.poll(() => page.locator(".countdown").textContent()).toBe("3");
    await call(page, "move", "shake");
    await expect.poll(() => labels(page), { timeout: 15_000 }).toEqual(["A"]);
    // At rest, there is nothing to learn.
    await call(page, "move", "");
    await page.waitForTimeout(2500);
    expect(await untilSaid(page, () => hold(page, 800))).toBe("That was hardly a movement.");
    expect(errors).toEqual([]);
  });

  it("are asked leave for where a browser wants it, and a pointer stands in where it is refused", async () => {
    const first = await visit({ ...phone, way: "gesture", before: motion + askingSensors("granted") });
    await first.page.getByRole("button", { name: "Allow motion sensors" }).tap();
    await first.page.getByText("Hold while you move the phone").waitFor();
    const second = await visit({ ...phone, way: "gesture", before: askingSensors("denied"), locale: "zh-CN" });
    await second.page.getByRole("button", { name: "允许使用运动传感器" }).tap();
    await second.page.getByText("传感器被拒绝").waitFor();
    expect([first.errors, second.errors]).toEqual([[], []]);
  });

  it("are made with a pointer, keys or by the page itself where there are no sensors", {
    timeout: 60_000,
  }, async () => {
    const none = "delete DeviceMotionEvent.requestPermission;";
    const { page, errors } = await visit({ ...desktop, way: "gesture", before: none });
    await page.getByText("No motion sensors here, so the pointer stands in").waitFor();
    await expectAccessible(page);
    const { x, y, width, height } = (await page.locator(".stage").boundingBox())!;
    await page.mouse.move(x + 0.3 * width, y + 0.3 * height);
    await untilSaid(page, async () => {
      await page.mouse.down();
      for (let i = 0; i < 60; i++) {
        await page.mouse.move(x + (0.5 + 0.25 * Math.cos(i / 4)) * width, y + (0.35 + 0.2 * Math.sin(i / 4)) * height);
        await page.waitForTimeout(15);
      }
      await page.mouse.up();
    });
    expect(await labels(page)).toEqual(["A"]);

    await page.locator("#record").focus();
    await page.keyboard.press("Enter");
    for (let i = 0; i < 26; i++) {
      const key = i % 2 ? "ArrowLeft" : "ArrowRight";
      await page.keyboard.down(key);
      await page.waitForTimeout(200);
      await page.keyboard.up(key);
    }
    await expect.poll(() => labels(page), { timeout: 10_000 }).toEqual(["A", "B"]);
    await turnToTeach(page);
    await untilSaid(page, () => page.locator("#draw").click());
    expect(await labels(page)).toEqual(["A", "B", "C"]);
    expect(errors).toEqual([]);
  });
});

describeUnless(missing("sounds"), "sounds", () => {
  const visit = visiting();

  it.each(screens)("are learned from one take each and known again, on %s", { timeout: 120_000 }, async (_, screen) => {
    const { page, elsewhere, errors } = await visit({ ...screen, way: "sound", before: microphone });
    await expectAccessible(page);
    await page.getByRole("button", { name: "Switch on the microphone" }).click();
    await page.locator("[data-source=on]").waitFor();
    const counts = await teachAndTry(page, ["whistle", "beeps", "hum"], (sound) =>
      holdUntil(page, () => call(page, "sound", sound)),
    );
    expectKnown(counts);
    await expectAccessible(page);
    expect(await untilSaid(page, () => hold(page, 600))).toBe("That was hardly to be heard.");

    // Whoever turns away is listened to no more, and what was learned is still there.
    await page.locator("[data-way=draw]").click();
    await page.locator("#pad").waitFor();
    expect(await labels(page)).toEqual([]);
    expect(await page.evaluate("track.readyState")).toBe("ended");
    await page.locator("a[data-way=sound]").click();
    await expect.poll(() => labels(page)).toEqual(["A", "B", "C"]);
    expect([elsewhere, errors]).toEqual([[], []]);
  });

  it.each([
    ["refused", "The microphone was refused."],
    ["absent", "There is no microphone here."],
    ["busy", "The microphone does not answer."],
    ["insecure", "Browsers give the microphone to safe pages alone."],
  ] as const)("are taken from files where the microphone is %s, which is said", async (trouble, words) => {
    const { page, errors } = await visit({ ...phone, way: "sound", before: troubles[trouble] });
    // Where a page may not even ask, it says so at once.
    if (trouble !== "insecure") await page.getByRole("button", { name: "Switch on the microphone" }).tap();
    await page.getByText(words).waitFor();
    await expectAccessible(page);
    const choose = async (name: string, buffer: Buffer): Promise<void> => {
      const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.locator(".notice button").tap()]);
      await chooser.setFiles({ name, mimeType: "audio/wav", buffer });
    };
    await choose("none.wav", Buffer.from("no sound"));
    await page.getByText("That file has no sound that this browser reads.").waitFor();
    await untilSaid(page, () => choose("tone.wav", Buffer.from(tone())));
    expect(await labels(page)).toEqual(["A"]);
    await untilSaid(page, () => page.locator("#draw").tap());
    expect(await labels(page)).toEqual(["A", "B"]);
    expect(errors).toEqual([]);
  });

  it("keep what they looked like in a file", async () => {
    const { page } = await visit({ ...desktop, way: "sound" });
    for (let i = 0; i < 2; i++) await untilSaid(page, () => page.locator("#draw").click());
    const faces = (): Promise<string[]> =>
      page.locator(".face .thumb").evaluateAll((all) => all.map((face) => getComputedStyle(face).maskImage));
    const before = await faces();
    expect(new Set(before).size).toBe(2);
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#save").click()]);
    await page.locator("#restart").click();
    await page.locator("#file").setInputFiles(await download.path());
    await expect.poll(() => labels(page)).toEqual(["A", "B"]);
    expect(await faces()).toEqual(before);
  });
});

describeUnless(noChromium, "pictures", () => {
  const visit = visiting();

  it.each(screens)(
    "of cards are learned from one each and known again, on %s",
    { timeout: 120_000 },
    async (_, screen) => {
      const { page, elsewhere, errors } = await visit({ ...screen, way: "camera", before: camera });
      await expectAccessible(page);
      await page.getByRole("button", { name: "Switch on the camera" }).click();
      await page.locator("[data-source=on]").waitFor();
      const counts = await teachAndTry(page, ["zigzag", "ring", "cross"], async (drawing) => {
        // A picture that was answered stays until somebody says so; one that was learned leaves by itself.
        const answered = (await page.locator("#mode-try").isChecked()) && (await page.locator(".frozen").count()) > 0;
        if (answered) await page.locator("#record").click();
        await page.locator(".frozen").waitFor({ state: "detached" });
        await call(page, "lay", drawing);
        await page.locator("#record").click();
      });
      expectKnown(counts);
      await expectAccessible(page);
      await page.locator("#record").click();

      // While it looks, the bars move along.
      await call(page, "lay", "ring");
      await expect.poll(() => answer(page).catch(() => null)).toBe("B");
      await call(page, "lay", "none");
      expect(await untilSaid(page, () => page.locator("#record").click())).toBe("No ink is to be seen.");
      await page.locator("[data-way=draw]").click();
      await page.locator("#pad").waitFor();
      expect(await page.evaluate("track.readyState")).toBe("ended");
      expect([elsewhere, errors]).toEqual([[], []]);
    },
  );

  it("are answered though what was learned before leaves the stage meanwhile", async () => {
    const late = `{
      const wait = setTimeout;
      const waiting = [];
      globalThis.setTimeout = (then, ms, ...args) => (ms === 300 ? waiting.push(then) : wait(then, ms, ...args));
      globalThis.lateOnes = () => waiting.splice(0).map((then) => then()).length;
    }`;
    const { page, errors } = await visit({ ...desktop, way: "camera", before: camera + late });
    await page.getByRole("button", { name: "Switch on the camera" }).click();
    await page.locator("[data-source=on]").waitFor();
    for (const drawing of ["ring", "cross"]) {
      await call(page, "lay", drawing);
      await untilSaid(page, () => page.locator("#record").click());
      await expect.poll(() => page.locator(".arrived").count()).toBeGreaterThan(0);
      if (drawing === "ring") expect(await page.evaluate("lateOnes()")).toBe(1);
    }
    await untilSaid(page, () => page.evaluate("record.click(); record.click(); lateOnes()"));
    expect(await answer(page)).toBe("B");
    expect(errors).toEqual([]);
  });

  it.each([
    ["refused", "The camera was refused."],
    ["absent", "There is no camera here."],
    ["insecure", "Browsers give the camera to safe pages alone."],
  ] as const)("are taken from files where the camera is %s, which is said", async (trouble, words) => {
    const { page, errors } = await visit({ ...phone, way: "camera", before: camera + troubles[trouble] });
    if (trouble !== "insecure") await page.getByRole("button", { name: "Switch on the camera" }).tap();
    await page.getByText(words).waitFor();
    await expectAccessible(page);
    await call(page, "lay", "ring");
    const png: string = await page.evaluate("canvas.toDataURL()");
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.locator(".notice button").tap()]);
    const buffer = Buffer.from(png.slice(png.indexOf(",") + 1), "base64");
    await untilSaid(page, () => chooser.setFiles({ name: "ring.png", mimeType: "image/png", buffer }));
    expect(await labels(page)).toEqual(["A"]);
    expect(errors).toEqual([]);
  });
});

// Chromium's own devices, through all that is real in a browser: a picture that moves, and a microphone that plays a file.
describeUnless(missing("sounds"), "devices that were allowed before", () => {
  const beeps = join(temporaryFolder(), "beeps.wav");
  writeFileSync(beeps, tone(900, 48_000));
  const visit = visiting(["--use-fake-device-for-media-stream", `--use-file-for-fake-audio-capture=${beeps}`]);

  it("are switched on with their page, and off with another", { timeout: 60_000 }, async () => {
    const { page, errors } = await visit({ ...desktop, way: "sound", permissions: ["microphone", "camera"] });
    await page.locator("[data-source=on]").waitFor();
    await untilSaid(page, () => hold(page, 900));
    expect(await labels(page)).toEqual(["A"]);
    await page.locator("[data-way=camera]").click();
    await page.locator("video").waitFor();
    await page.locator(".stage[data-source=on]").waitFor();
    await expect.poll(() => page.evaluate(() => document.querySelector("video")!.videoWidth)).toBeGreaterThan(0);
    expect(errors).toEqual([]);
  });
});
