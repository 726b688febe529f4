// The page of operators is that of the operators there are.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("docs/operators.md is up to date", () => {
  const script = fileURLToPath(new URL("../../docs/generate-operators.mjs", import.meta.url));
  expect(() => execFileSync(process.execPath, [script, "--check"], { stdio: "pipe" })).not.toThrow();
});
