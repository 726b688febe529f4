// A few rounds of what `npm run soak` does for minutes.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { growth, type Held } from "./soak.ts";

it("eight callers who stop and dispose at any time get the right answers, and leave nothing", {
  timeout: 120_000,
}, () => {
  // A process of its own, so that what is left can be told from what the test runner holds.
  const main = fileURLToPath(new URL("../dist/soak/main.js", import.meta.url));
  const said = execFileSync(process.execPath, [main, "--minutes", "0.15"], { encoding: "utf8" });
  expect(said).toMatch(/\d+ answers compared, 0 wrong; [1-9]\d* calls aborted, [1-9]\d* on learners/);
  expect(said).toContain("memory, handles and threads are flat");
});

it("what grows is told", () => {
  const held = (i: number): Held => ({
    heap: 2 ** 24,
    outside: i * 2 ** 20,
    resident: 2 ** 27,
    handles: 20,
    threads: 9,
  });
  const leaking = Array.from({ length: 30 }, (_, i) => ({ ...held(i), threads: i < 20 ? 9 : 10 }));
  expect(growth(leaking)).toEqual([expect.stringContaining("outside grew"), "threads grew from 9 to 10"]);
  expect(growth(leaking.map((round) => ({ ...round, outside: 0, threads: 9 })))).toEqual([]);
});
