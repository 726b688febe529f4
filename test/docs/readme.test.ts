// The README starts with the two commands, and its TypeScript is right; that all of it runs takes longer, and is in
// readme.slow.test.ts.
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { root } from "./blocks.ts";
import { blocks, prepare, run } from "./readme.ts";

beforeAll(prepare);

describe("README.md", () => {
  it("starts with the two commands", () => {
    const [first, second] = blocks;
    expect(first!.code.trim()).toBe("npm ci && npx innerloop quickstart");
    expect(second!.code.trim()).toBe("npm ci && npm test");
  });

  it("has TypeScript that is right", () => {
    run(join(root, "node_modules", "typescript", "bin", "tsc"), ["-p", "."]);
  });
});
