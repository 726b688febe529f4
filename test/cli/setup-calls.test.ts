// `innerloop setup` called wrongly. What it makes, tries and puts to use is in test/setup/.
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";

const cwd = temporaryFolder();

describe("a wrong call", () => {
  it.each([
    [["setup"], /stack/],
    [["setup", "cudaa"], /"cudaa" cannot be set up; native, tfjs-gpu, cuda can; did you mean cuda\?/],
    [["setup", "tfjs-gpu", "--undo", "--from", "stock"], /--undo takes away/],
    [["setup", "tfjs-gpu", "--anyway"], /--anyway belongs to innerloop setup cuda/],
  ])("%j is told, with status 2", async (args, message) => {
    const { status, stdout, stderr } = await innerloop(args as string[], { cwd });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });
});
