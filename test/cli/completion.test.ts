// What shells complete, asked of the shells themselves where they are.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { models } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";

const cwd = temporaryFolder();

const has = (shell: string): boolean => {
  try {
    execFileSync(shell, ["-c", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

async function scriptFor(shell: string): Promise<string> {
  const { status, stdout } = await innerloop(["completion", shell], { cwd });
  expect(status).toBe(0);
  const file = join(cwd, `completion.${shell}`);
  writeFileSync(file, stdout);
  return file;
}

/** The words of a call, of which the last one is being typed, and what it is completed with. */
const cases: [words: readonly string[], completions: readonly string[]][] = [
  [["ev"], ["eval"]],
  [["eval", "x", "--sp"], ["--split"]],
  [
    ["eval", "--split", ""],
    ["test", "train", "val"],
  ],
  [
    ["train", "omni"],
    ["omniglot-5way-1shot", "omniglot-5way-5shot"],
  ],
  [
    ["train", "quickstart", "--model", "m"],
    ["metamodel", "mlp"],
  ],
  [["train", "--no-rot"], ["--no-rotations"]],
  [["setup", "cu"], ["cuda"]],
  [["help", "ins"], ["inspect"]],
  [["adapt", "bundle", "--prov"], ["--provider"]],
  [["export", "run", "--json", "--out", "nothing-is-called-so"], []],
];

describe("completion", () => {
  it.skipIf(!has("bash"))("in bash", async () => {
    const file = await scriptFor("bash");
    for (const [words, completions] of cases) {
      const asked =
        // biome-ignore lint/suspicious/noTemplateCurlyInString: an array of bash
        'source "$0"; COMP_WORDS=(innerloop "$@"); COMP_CWORD=$#; _innerloop; printf "%s\\n" "${COMPREPLY[@]}"';
      const said = execFileSync("bash", ["-c", asked, file, ...words], { encoding: "utf8" });
      expect(said.split("\n").filter(Boolean).sort(), words.join(" ")).toEqual(completions);
    }
  });

  it.skipIf(!has("fish"))("in fish", async () => {
    const file = await scriptFor("fish");
    for (const [words, completions] of cases) {
      const asked = `source ${file}; complete -C "innerloop ${words.join(" ")}"`;
      const said = execFileSync("fish", ["--no-config", "-c", asked], { encoding: "utf8", cwd });
      const found = said
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split("\t")[0]!);
      expect(found.sort(), words.join(" ")).toEqual(completions);
    }
  });

  // The completion system of zsh needs keys from a terminal; what it is asked for is seen without.
  it.skipIf(!has("zsh"))("in zsh", async () => {
    const file = await scriptFor("zsh");
    const asked = `
compdef() { print -r -- "compdef $*" }
_describe() { print -rl -- "\${(@P)2}" }
_arguments() { print -rl -- "words $words[1] $CURRENT" "$@" }
source "$0"
words=(innerloop "$@")
CURRENT=$#words
_innerloop`;
    const said = (...words: string[]) =>
      execFileSync("zsh", ["-f", "-c", asked, file, ...words], { encoding: "utf8" }).split("\n");
    expect(said("ev")).toEqual(
      expect.arrayContaining(["compdef _innerloop innerloop", expect.stringMatching(/^eval:adapt /)]),
    );
    expect(said("eval", "x", "--sp")).toEqual(
      expect.arrayContaining([
        "words eval 3",
        "--split[the part of the data, or several as train,test]:value:(train val test)",
        expect.stringMatching(/^--json\[/),
        expect.stringMatching(/^\*:argument:\{ compadd -- drawings.*; _files \}$/),
      ]),
    );
    expect(said("train", "")).toEqual(
      expect.arrayContaining([
        expect.stringMatching(`^--model\\[.*\\]:value:\\{ compadd -- auto ${models.names.join(" ")}; _files \\}$`),
        expect.stringMatching(/^--no-rotations\[/),
        expect.stringMatching(/^\*:argument:\{ compadd -- quickstart .* _files \}$/),
      ]),
    );
  });

  it("is there for no other shell", async () => {
    const { status, stderr } = await innerloop(["completion", "zhs"], { cwd });
    expect(status).toBe(2);
    expect(stderr).toMatch(/no completion for "zhs"; bash, zsh, fish were expected; did you mean zsh\?/);
  });
});
