// Wrong calls and wrong files: one message, the right exit status, and nothing changed on disk.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configSchema, type JsonSchema } from "@innerloop/schemas";
import { presets } from "@innerloop/train";
import { beforeAll, describe, expect, it } from "vitest";
import { filesIn, temporaryFolder } from "../support/folders.ts";
import { innerloop, writeImages } from "../support/innerloop.ts";

const cwd = temporaryFolder();
const call = (...args: string[]) => innerloop(args, { cwd });

beforeAll(async () => {
  mkdirSync(join(cwd, "empty"));
  await writeImages(join(cwd, "few"), 3, 2);
  await writeImages(join(cwd, "thin"), 12, 2);
  await writeImages(join(cwd, "torn"), 12, 2);
  for (const name of ["0.png", "1.png"]) {
    const torn = join(cwd, "torn", "symbol-3", name);
    writeFileSync(torn, readFileSync(torn).subarray(0, 60));
  }
  writeFileSync(join(cwd, "typo.yaml"), "data: glyphs\nmetabatch: 3\n");
  writeFileSync(join(cwd, "value.yaml"), "optimizer:\n  rate: -1\n");
  writeFileSync(join(cwd, "broken.yaml"), "data: [glyphs\n");
  writeFileSync(join(cwd, "idle.yaml"), "optimizer:\n  momentum: 0.5\n");
  writeFileSync(join(cwd, "newer.json"), JSON.stringify({ version: 2 }));
  writeFileSync(join(cwd, "cut.onnx"), Uint8Array.of(8, 8, 58, 200, 1, 10, 4));
  writeFileSync(join(cwd, "notes.txt"), "hello");
  for (const name of ["pointer.yaml", "pointer.onnx", "pointer.safetensors"])
    writeFileSync(join(cwd, name), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
  mkdirSync(join(cwd, "page"));
  writeFileSync(join(cwd, "page", "manifest.json"), "<!doctype html>\n<title>Sign in</title>");
});

describe("help", () => {
  it("lists the commands, and shows each one's options", async () => {
    const overview = await call("--help");
    expect(overview).toMatchObject({ status: 0, stderr: "" });
    for (const name of [
      "quickstart",
      "train",
      "completion",
      "export",
      "eval",
      "adapt",
      "predict",
      "inspect",
      "setup",
      "doctor",
    ]) {
      expect(overview.stdout).toContain(`  ${name} `);
      const help = await call(name, "--help");
      expect(help, name).toMatchObject({ status: 0, stderr: "" });
      expect(help.stdout).toMatch(new RegExp(`^innerloop ${name} .*\\[options\\]`));
    }
  });

  it("has a flag for every field of a run config, and names every preset", async () => {
    const { stdout } = await call("train", "--help");
    const own: Record<string, string> = {
      "model.kind": "model",
      "optimizer.kind": "optimizer",
      "validation.every": "validate-every",
      "validation.episodes": "validate-episodes",
      "shifts.share": "shift-share",
      "shifts.families": "shift-families",
    };
    const leaves = (schema: JsonSchema, path: string): string[] =>
      Object.entries(schema.properties ?? {}).flatMap(([key, inner]) =>
        inner.properties ? leaves(inner, `${path}${key}.`) : [`${path}${key}`],
      );
    for (const field of leaves(configSchema, "")) {
      if (field === "version" || field === "preset") continue;
      const last = field.replace(/^.*\./, "").replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      expect(stdout, field).toMatch(new RegExp(`--${own[field] ?? last} `));
    }
    for (const name of Object.keys(presets)) expect(stdout).toContain(`  ${name} `);
  });

  it("is shown for no command at all, with status 2", async () => {
    const { status, stdout, stderr } = await call();
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("innerloop quickstart");
  });

  it("tells the version", async () => {
    expect(await call("--version")).toMatchObject({ status: 0, stdout: "0.1.0\n" });
  });
});

const few = "--ways 2 --shots 1 --queries 1";
const wrong: [call: string, status: number, message: RegExp][] = [
  ["tran", 2, /no command "tran"; did you mean train\?/],
  ["--json eval", 2, /give the command first/],
  ["train --metabatch 3", 2, /no option --metabatch; did you mean --meta-batch\?/],
  ["eval nowhere --wys 3", 2, /no option --wys; did you mean --ways\?/],
  ["eval", 2, /needs BUNDLE/],
  ["predict nowhere", 2, /needs BUNDLE .* and INPUT/],
  ["eval one two", 2, /"two" is one argument too many/],
  ["eval nowhere --ways", 2, /--ways has no value/],
  ["eval nowhere --ways many", 2, /--ways is "many"; a whole number from 2 to 65536 was expected/],
  ["eval nowhere --ways 1.5", 2, /--ways is "1.5"; a whole number/],
  ["eval nowhere --split tst", 2, /--split is "tst"; one of train, val, test .* did you mean test\?/],
  ["eval nowhere --provider gpu", 2, /--provider is "gpu"; one of auto, cuda, webgpu, cpu/],
  ["train pointer.yaml", 2, /pointer\.yaml: it is a Git LFS pointer/],
  ["inspect pointer.onnx", 1, /pointer\.onnx: it is a Git LFS pointer/],
  ["inspect pointer.safetensors", 1, /pointer\.safetensors: it is a Git LFS pointer/],
  ["inspect page", 1, /manifest\.json: it is a web page/],
  ["demo page --build out", 1, /manifest\.json: it is a web page/],
  ["bench page", 1, /manifest\.json: it is not valid JSON; it is a web page/],
  ["train quickstat", 2, /no preset "quickstat"; did you mean "quickstart"\?/],
  ["train --algorithm mamal", 2, /--algorithm is "mamal"; .* did you mean maml\?/],
  ["train --inner-rate -1", 2, /--inner-rate is "-1"; a number above 0 was expected/],
  ["train --strides 2,x", 2, /--strides is "2,x"; a list of whole numbers/],
  ["train --head learned --algorithm prototypes", 2, /prototypes/],
  ["train --model mlp --filters 3", 2, /--filters has no effect with --model mlp: .* or give --model conv4/],
  ["train sinusoid-10shot --ways 5", 2, /--ways has no effect with --data sinusoid: a regression has no classes/],
  ["train --decay none --floor 0.1", 2, /--floor has no effect with --decay none/],
  ["train --no-shifts --shift-share 0.5", 2, /--shift-share has no effect here: --no-shifts was given/],
  ["train quickstart --shifts yes", 2, /"yes" is one argument too many/],
  ["train --no-learn-rates --max-inner-rate 2", 2, /--max-inner-rate has no effect with --no-learn-rates/],
  ["train images:few", 2, /images:few says which data; .* Give it as --data images:few\./],
  ["train --clip off", 2, /--clip is "off"; a number above 0, or none for no clipping was expected\./],
  ["train --data few", 2, /Data "few" is not known; .* images:few/],
  ["train --ways 1", 2, /ways is 1 \(--ways\), but a task of glyphs tells classes apart/],
  ["train idle.yaml", 2, /optimizer.momentum has no effect with optimizer.kind: "adam"/],
  ["train sinusoid", 2, /sinusoid says which data.* Give it as --data sinusoid/],
  ["train --no-steps", 2, /no option --no-steps; it takes a value: --steps/],
  ["eval nowhere --ways 0x10", 2, /--ways is "0x10"; a whole number from 2 to 65536 was expected/],
  ["eval nowhere --ways=", 2, /--ways is empty; a whole number/],
  ["eval nowhere --json=perhaps", 2, /--json takes no value, but "perhaps" was given/],
  ["demo --build site --port 80", 2, /--port has no effect here: with --build nothing is served/],
  ["inspect notes.txt --graph", 2, /--graph has no effect here: notes.txt is no .onnx file/],
  ["train --engine abacus", 2, /engine "abacus" .* known are auto/],
  ["train missing.yaml", 2, /missing.yaml cannot be read \(there is no such file\)/],
  ["train typo.yaml", 2, /typo.yaml: unknown key "metabatch"; did you mean "metaBatch"\?/],
  ["train value.yaml", 2, /value.yaml: optimizer.rate must be a number above 0, got -1/],
  ["train broken.yaml", 2, /broken.yaml is neither YAML nor JSON/],
  ["train newer.json", 2, /version 2 is newer/],
  ["train --resume", 2, /--resume needs --out/],
  ["train --resume --out empty", 2, /empty holds no run/],
  ["train --data gliphs", 2, /Data "gliphs" is not known; expected glyphs/],
  ["train --data images:", 2, /lacks its folder/],
  ["train --data images:missing", 2, /missing does not exist; expected a folder/],
  ["train --data images:empty", 2, /empty holds no images; expected/],
  ["train --data omniglot:empty", 2, /No Omniglot in empty/],
  [
    `train --data images:few --ways 5`,
    2,
    /images:few has 3 classes: .* 5 ways, .* need 5 classes.* What would work: .*--ways 3/,
  ],
  [`train --data images:thin --ways 2 --shots 2 --queries 4`, 2, /has 2 examples; 2 shots \+ 1 queries need 3/],
  [`train --data images:torn ${few}`, 1, /torn.symbol-3.1\.png: cannot be read as an image/],
  ["train sinusoid-10shot --model conv4", 2, /conv4 takes images/],
  ["export empty", 2, /empty is a folder that holds neither .*; a run, .* was expected/],
  ["eval missing", 2, /missing does not exist; a bundle, .* was expected; check the path/],
  ["adapt missing --out x", 2, /needs --support/],
  ["adapt missing --support few", 2, /needs --out/],
  ["inspect missing", 2, /missing does not exist/],
  ["inspect notes.txt", 2, /neither a bundle .* nor/],
  ["inspect cut.onnx", 1, /cut.onnx: these 7 bytes are no complete ONNX model/],
  ["quickstart --minutes 0", 2, /--minutes is "0"; a number from 0.01/],
];

describe("a wrong call", () => {
  it.each(wrong)("%s", async (text, status, message) => {
    const before = filesIn(cwd);
    const outcome = await call(...text.split(" "));
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr.match(/error:/g)).toHaveLength(1);
    // What was chosen from the data is told before.
    expect(
      outcome.stderr
        .trimEnd()
        .split("\n")
        .filter((line) => !/^ *note /.test(line)),
    ).toHaveLength(1);
    expect(outcome).toMatchObject({ status, stdout: "" });
    expect(filesIn(cwd)).toEqual(before);
  });
});
