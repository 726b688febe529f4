// The programs of examples/transform say that what `innerloop transform` writes has the numbers of torch.func, on stock ONNX
// Runtime. They run where Python has them: INNERLOOP_PYTHON, or else python3.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { program } from "../support/innerloop.ts";
import { python, pythonLacks } from "../support/python.ts";
import { repository } from "../support/root.ts";

const folder = join(repository, "examples", "transform");
const programs = readdirSync(folder).filter((file) => file.endsWith(".py") && file !== "transforming.py");

describeUnless(pythonLacks("torch", "onnx", "onnxruntime"), "examples/transform", () => {
  it.each(programs)("%s", { timeout: 300_000 }, (file) => {
    const env = { ...process.env, INNERLOOP: `"${process.execPath}" "${program}"` };
    const { status, stdout, stderr } = spawnSync(python, ["-W", "ignore", join(folder, file), temporaryFolder()], {
      encoding: "utf8",
      env,
    });
    expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/largest difference to torch\.func \d/);
  });
});
