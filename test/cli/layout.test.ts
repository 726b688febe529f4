// What the command shows in terminals of any width: nothing is cut, nothing breaks inside a word, columns align in any script.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeSafetensors, type Tensor } from "@innerloop/schemas";
import { completeConfig, presets } from "@innerloop/train";
import { innerloop } from "innerloop";
import stringWidth from "string-width";
import { afterEach, describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

const folder = temporaryFolder();
const commands = "quickstart train export eval adapt predict demo inspect bench setup doctor".split(" ");

/** What a call says in a terminal of some columns, without colours. */
async function shown(args: readonly string[], columns: number): Promise<string> {
  let said = "";
  vi.stubEnv("NO_COLOR", "1");
  vi.stubEnv("FORCE_COLOR", "0");
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((text) => {
      said += text;
      return true;
    });
    Object.assign(stream, { columns, isTTY: true });
  }
  await innerloop(args);
  return said.trimEnd();
}

const before = [process.stdout, process.stderr].map(({ columns, isTTY }) => ({ columns, isTTY }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  for (const [i, stream] of [process.stdout, process.stderr].entries()) Object.assign(stream, before[i]);
});

const wordsOf = (text: string) => text.split(/\s+/);

describe("help", () => {
  it.each([...commands, ""])("of %s has the same words at any width, and fits", async (command) => {
    const args = command === "" ? ["--help"] : [command, "--help"];
    const wide = await shown(args, 110);
    for (const width of [40, 60, 80]) {
      const text = await shown(args, width);
      // Columns end up below each other on a narrow terminal, in the same order.
      expect(wordsOf(text)).toEqual(wordsOf(wide));
      expect(text).not.toMatch(/\[object|undefined|NaN/);
      if (width < 80) continue;
      for (const line of text.split("\n")) expect(stringWidth(line), line).toBeLessThanOrEqual(width);
    }
  });

  it("keeps examples whole, to be copied", async () => {
    expect(await shown(["train", "--help"], 50)).toContain(
      "\n  innerloop train images-5way-1shot --data images:photos\n",
    );
  });

  it("shows the defaults of train, and those of a preset", async () => {
    const flags: [string, string, (config: ReturnType<typeof completeConfig>) => unknown][] = [
      ["shots", "support examples of each class", ({ shots }) => shots],
      ["meta-batch", "tasks in an iteration", ({ metaBatch }) => metaBatch],
      ["inner-rate", "inner learning rate, where learned ones start", ({ innerRate }) => innerRate],
      ["rate", "outer learning rate, at its peak", ({ optimizer }) => optimizer.rate],
      ["validate-every", "iterations between two validations", ({ validation }) => validation.every],
      ["minutes", "length of the run in minutes", ({ minutes }) => minutes],
    ];
    const defaults = async (...args: string[]) => {
      const text = wordsOf(await shown(["train", ...args, "--help"], 110)).join(" ");
      return flags.map(([name, what]) => new RegExp(`--${name} ${what} \\[([^\\]]*)\\]`).exec(text)?.[1] ?? "");
    };
    for (const preset of Object.keys(presets))
      expect(await defaults(preset), preset).toEqual(flags.map(([, , of]) => String(of(completeConfig({ preset })))));
    const all = await defaults();
    for (const [i, [name, , of]] of flags.entries())
      for (const preset of Object.keys(presets))
        expect(all[i], `${name} ${preset}`).toContain(String(of(completeConfig({ preset }))));
  });
});

describe("errors", () => {
  it("break between words in a terminal, and not at all elsewhere", async () => {
    const text = await shown(["train", "--model", "mlp", "--filters", "3"], 50);
    expect(text.split("\n").length).toBeGreaterThan(1);
    for (const line of text.split("\n")) expect(stringWidth(line)).toBeLessThanOrEqual(50);
    expect(wordsOf(text).join(" ")).toMatch(
      /^error: --filters has no effect with --model mlp: .* give --model conv4\.$/,
    );
  });
});

describe("columns", () => {
  it("align in any script", async () => {
    const names = ["a", "漢字の名前", "héé", "👩‍🔬", "ｗｉｄｅ", "한국어"];
    const tensor: Tensor = { dtype: "float32", shape: [1], data: Float32Array.of(0) };
    const file = join(folder, "名.safetensors");
    writeFileSync(file, encodeSafetensors(Object.fromEntries(names.map((name) => [name, tensor])), {}));
    const lines = (await shown(["inspect", file], 80)).split("\n");
    const starts = names.map((name) => {
      const line = lines.find((it) => it.startsWith(`  ${name} `));
      return stringWidth(line!.slice(0, line!.indexOf("float32")));
    });
    expect(new Set(starts).size).toBe(1);
  });
});
