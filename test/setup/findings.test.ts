// What works on this machine, asked from a program.
import { examine, measureSpeeds } from "@innerloop/setup";
import { expect, it } from "vitest";

it("names the engines and providers, and the one of each that auto takes", async () => {
  const findings = await examine();
  expect(findings.node).toBe(process.version);
  for (const [list, auto] of [
    [findings.engines, findings.auto],
    [findings.providers, findings.autoProvider],
  ] as const) {
    expect(list.filter((finding) => finding.auto).map(({ name }) => name)).toEqual([auto]);
    for (const { available, reason } of list) if (!available) expect(reason).toMatch(/\w/);
  }
});

it("measures what works, one after the other", async () => {
  const findings = await examine();
  const one = (name: string) => ({
    ...findings,
    engines: findings.engines.filter((it) => it.name === name),
    providers: [],
  });
  const told: unknown[] = [];
  const { engines } = await measureSpeeds(one("onnxruntime:cpu"), (...words) => told.push(words));
  expect(engines[0]!.iterationsPerSecond).toBeGreaterThan(0);
  expect(told).toEqual([["onnxruntime:cpu", 0, 1]]);
});
