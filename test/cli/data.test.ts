// `innerloop data` and the doors of adapt, predict and eval: files go where they belong, and one that does not is told so.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { innerloop as command } from "innerloop";
import sharp from "sharp";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { writeBundle } from "../runtime/fixture.ts";
import { temporaryFolder } from "../support/folders.ts";
import { writeImages } from "../support/innerloop.ts";

const cwd = temporaryFolder("data");
const at = (...names: string[]) => join(cwd, ...names);
afterEach(() => vi.restoreAllMocks());

/** What a call says, in this process, which is quicker. */
async function call(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      said[name] += text;
      return true;
    });
  const status = await command(args);
  return { status, ...said };
}

beforeAll(async () => {
  await writeImages(at("photos"), 12, 7);
  await writeImages(at("few"), 3, 4);
  mkdirSync(at("sounds", "dog"), { recursive: true });
  for (const name of ["a.wav", "b.wav"]) writeFileSync(at("sounds", "dog", name), "RIFF");
  mkdirSync(at("arrays"));
  writeFileSync(at("arrays", "set.npz"), "");
  mkdirSync(at("torn", "one"), { recursive: true });
  mkdirSync(at("torn", "two"));
  for (const name of ["one", "two"]) writeFileSync(at("torn", name, "a.png"), "no picture");
});

describe("innerloop data", () => {
  it("says what is there, and what to train with", async () => {
    const { status, stdout } = await call("data", at("photos"), "--sheet", at("sheet.png"));
    expect(status).toBe(0);
    expect(stdout).toMatch(/images:.*photos: 12 classes, 84 images/);
    expect(stdout).toMatch(/^ {2}guessed +by the files there: 84 images/m);
    expect(stdout).toMatch(/^ {2}example +\[28, 28, 1\]: 28×28 in grey, dark as light/m);
    expect(stdout).toMatch(/^ {2}symbol-11 +7 +\w+ +█/m);
    expect(stdout).toMatch(/^ {2}train +8 +56 /m);
    expect(stdout).toMatch(/train --data images:.*photos --ways 2 (--queries 4 )?--minutes 2$/m);
    const { width, height, format } = await sharp(readFileSync(at("sheet.png"))).metadata();
    expect(format).toBe("png");
    expect(width).toBeGreaterThan(1000);
    expect(height).toBeGreaterThan(1000);
  });

  it("takes the settings of its door, and refuses those of others", async () => {
    const { status, stdout } = await call("data", at("photos"), "--size", "16", "--channels", "3", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      shape: [16, 16, 3],
      preprocessing: { kind: "image", width: 16, height: 16, channels: 3 },
    });
    expect(await call("data", at("photos"), "--bands", "40")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/--bands has no effect/),
    });
  });

  it("ends with a command that has what the data were looked at with", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `${i * 0.7},${i % 7},kind ${i % 10}`);
    writeFileSync(at("table.csv"), `weight,height,the kind\n${rows.join("\n")}\n`);
    const { status, stdout } = await call("data", at("table.csv"), "--label", "the kind");
    expect(status).toBe(0);
    expect(stdout).toMatch(/rows:.*table\.csv: 10 classes, 60 rows/);
    expect(stdout).toMatch(/^ {2}weight +number +mean 20\.\d+, deviation/m);
    expect(stdout).toMatch(/train --data rows:.*table\.csv --label 'the kind' --ways 2 --minutes 2$/m);
  });

  it("reports bad data with their reasons", async () => {
    const { status, stdout, stderr } = await call("data", at("torn"));
    expect(status).toBe(1);
    expect(stdout).toMatch(/2 +images that cannot be read: one\/a\.png .*two\/a\.png/);
    expect(stderr).toMatch(/^error: 2 of the 2 images in .* cannot be read/);
  });

  it.each([
    [["data", at("nothing")], /is not known; expected .*images:DIR/],
    [["data", `images:${at("nothing")}`], /nothing does not exist/],
    [["data", `images:${at("arrays")}`], /There are 1 .*they are arrays:/],
    [["data", at("photos"), "--sheet", at("sheet.gif")], /\.png or \.svg was expected/],
    [["data", "sinusoid", "--sheet", at("line.png")], /--sheet has no effect here: .*no picture/],
  ])("refuses %j", async (args, words) => {
    expect(await call(...args)).toMatchObject({ status: 2, stderr: expect.stringMatching(words) });
  });
});

describe("files go through the door of the bundle", () => {
  it("and those of another kind are told which", async () => {
    const linear = writeBundle("linear");
    expect(await call("adapt", linear, "--support", at("photos"), "--out", at("x.safetensors"))).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /photos was given, which holds 84 images .* takes \.csv or \.json files with 2×2×1 numbers/,
      ),
    });
    expect(await call("adapt", "drawings", "--support", at("arrays"), "--out", at("x.safetensors"))).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/holds 1 .*set\.npz.*takes images \(PNG/),
    });
  });

  it("which a person's own folders are measured through", async () => {
    const { status, stdout } = await call("eval", "drawings", "--support", at("few"), "--query", at("few"));
    expect(status).toBe(0);
    expect(stdout).toMatch(/^12 queries of 3 classes, taught by 12 examples/);
    expect(stdout).toMatch(/accuracy +\d+\.\d %/);
    expect(stdout).toMatch(/12 queries equal examples that were taught/);
    const json = await call("eval", "drawings", "--support", at("few"), "--query", at("photos"), "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ queries: 21, notTaught: { length: 9 } });
  });

  it("with what would make pictures look like those of the bundle, where they fill their frame", async () => {
    for (const [label, x] of [
      ["left", 2],
      ["right", 20],
    ] as const)
      for (const shift of [0, 1, 2]) {
        mkdirSync(at("filling", label), { recursive: true });
        const pixels = Uint8Array.from({ length: 784 }, (_, i) => (Math.abs((i % 28) - x - shift) < 2 ? 255 : 0));
        const png = sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } }).png();
        writeFileSync(at("filling", label, `${shift}.png`), await png.toBuffer());
      }
    const own = ["eval", "drawings", "--support", at("filling"), "--query", at("filling")];
    const said = /fills 100 % of a side, and 79 % .*: --margin 0\.107 --no-invert makes them alike/;
    expect(await call(...own)).toMatchObject({ status: 0, stderr: expect.stringMatching(said) });
    const alike = await call(...own, "--margin", "0.107", "--no-invert");
    expect(alike).toMatchObject({ status: 0, stderr: expect.not.stringContaining("makes them alike") });
    const looked = await call("data", `images:${at("filling")}`, "--from", "drawings");
    expect(looked.stdout).toMatch(/with a margin of 3 pixels \(--margin 0\.107\)/);
    expect(looked.stdout).toMatch(/train --from drawings/);
  });

  it.each([
    [["--support", at("few")], /needs --query beside --support/],
    [["--query", at("few")], /needs --support beside --query/],
    [["--support", at("few"), "--query", at("few"), "--shots", "2"], /--shots has no effect here/],
    [["--label", "class"], /--label has no effect here/],
    [["--split", "train,rest"], /one of train, val, test was expected, or several with commas/],
  ])("and eval refuses %j", async (args, words) => {
    expect(await call("eval", "drawings", ...args)).toMatchObject({ status: 2, stderr: expect.stringMatching(words) });
  });
});
