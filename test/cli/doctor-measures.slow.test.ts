// `innerloop doctor` measures engines and providers.
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";
import type { Findings } from "./doctor-findings.ts";

const cwd = temporaryFolder();

it("measures what works, and says so while it does", async () => {
  const { status, stdout, stderr } = await innerloop(["doctor", "--json"], { cwd });
  expect(status).toBe(0);
  expect(stderr).toContain("measuring");
  const { auto, engines, providers } = JSON.parse(stdout) as Findings;
  // A software GPU may be too slow for a figure; it then says so.
  for (const it of [...engines, ...providers].filter(({ available }) => available))
    if (it.reason === undefined) expect(it.iterationsPerSecond).toBeGreaterThan(0);
  expect(engines.find((it) => it.name === auto)?.iterationsPerSecond).toBeGreaterThan(0);
  expect(providers.find((it) => it.auto)?.iterationsPerSecond).toBeGreaterThan(0);
}, 600_000);
