// Engines side by side, in one run of each.
import { expect, test } from "vitest";
import { bench } from "./program.ts";

test("engines are timed against the reference; one that is not there is a gap", async () => {
  const args = ["engines", "--engines", "tfjs:wasm,onnxruntime:coreml,onnxruntime:dml", "--runs", "1", "--json"];
  const { status, stdout } = await bench(...args);
  const { reference, rows } = JSON.parse(stdout);
  expect(reference).toBe("onnxruntime:cpu");
  const [wasm, ...others] = rows;
  expect(wasm).toMatchObject({ engine: "tfjs:wasm", summary: { pairs: 1 } });
  expect(wasm.apart).toBeLessThan(1e-4);
  // No system has both.
  expect(others.map(({ reason }: { reason?: string }) => reason)).toContainEqual(expect.stringMatching(/^absent: /));
  expect(status).toBe(0);
});
