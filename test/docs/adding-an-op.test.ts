// The walk through an operator shows what is there: each block stands in the file that the text before it names.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { blocksOf, root } from "./blocks.ts";

const page = "docs/adding-an-op.md";
const files = ["graph/ops/activation.ts", "graph/onnx/ops/activation.ts", "test/graph/cases.ts"];
const recording = "test/graph/record/activation.py";

test.each(blocksOf(page).map(({ code, language }) => [code.trim().split("\n")[0]!, code, language]))(
  "%s",
  (_, code, language) => {
    const among = language === "py" ? [recording] : files;
    expect(among.some((file) => readFileSync(join(root, file), "utf8").includes(code.trimEnd()))).toBe(true);
  },
);
