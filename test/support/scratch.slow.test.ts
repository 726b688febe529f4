// A copy of the repository builds, lints and tests what is edited in it, and leaves the original alone.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repository } from "./root.ts";
import { scratchCopy } from "./scratch.ts";

const formatted = `// A test that is written into the copy.
import { answer } from "@innerloop/schemas";
import { expect, it } from "vitest";

it("reads what was built in the copy", () => {
  expect(answer).toBe(42);
});
`;

it("has what was edited, counts it, and passes build, lint and tests", { timeout: 120_000 }, () => {
  const door = readFileSync(join(repository, "schemas", "index.ts"), "utf8");
  const scratch = scratchCopy({
    "schemas/index.ts": (old) => `${old}\nexport const answer = 42;\n`,
    "test/schemas/answer.test.ts": formatted,
  });
  expect(scratch.changes).toEqual([
    { path: "schemas/index.ts", added: 2, removed: 0 },
    { path: "test/schemas/answer.test.ts", added: 7, removed: 0 },
  ]);
  scratch.build("schemas");
  scratch.lint("schemas/index.ts", "test/schemas/answer.test.ts");
  scratch.test("test/schemas/answer.test.ts");
  expect(readFileSync(join(repository, "schemas", "index.ts"), "utf8")).toBe(door);
  expect(existsSync(join(repository, "test", "schemas", "answer.test.ts"))).toBe(false);
});

it("fails with what a command says", () => {
  const scratch = scratchCopy({ "schemas/index.ts": (old) => `${old}\nexport const answer: string = 42;\n` });
  expect(() => scratch.build("schemas")).toThrow(/tsc -b schemas: status \d+\nschemas\/index\.ts.*TS2322/s);
});
