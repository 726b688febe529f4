// Every file of cli/commands/ is a command: it is in the overview, tells of itself, and shells complete it.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { innerloop } from "innerloop";
import { afterEach, describe, expect, it, vi } from "vitest";

const names = readdirSync(fileURLToPath(new URL("../../cli/commands", import.meta.url))).map((file) =>
  file.replace(/\.ts$/, ""),
);
afterEach(() => vi.restoreAllMocks());

/** What a call prints. */
async function printed(...args: string[]): Promise<string> {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((part) => {
    text += part;
    return true;
  });
  expect(await innerloop(args)).toBe(0);
  return text;
}

describe("commands", () => {
  it("are those of the overview", async () => {
    const rows = [...(await printed("--help")).matchAll(/^ {2}([\w-]+) {2,}\S/gm)].map(([, name]) => name!);
    expect(rows.sort()).toEqual([...names].sort());
  });

  it.each(names)("%s tells what it does, its options and examples", async (name) => {
    const [usage, summary] = (await printed(name, "--help")).split("\n\n");
    expect(usage).toMatch(new RegExp(`^innerloop ${name}( [<[].*)? \\[options\\]$`));
    expect(summary).toMatch(/^[A-Z][\s\S]*\.$/);
    const help = await printed("help", name);
    expect(help).toMatch(/^ {2}-h, --help +show this$/m);
    expect(help).toMatch(new RegExp(`^Examples:\\n {2}innerloop ${name}`, "m"));
  });

  it.each(["bash", "zsh", "fish"])("are completed by %s", async (shell) => {
    const script = await printed("completion", shell);
    for (const name of names) expect(script).toMatch(new RegExp(`\\b${name}\\b`));
  });
});
