// Names and labels that do something to a terminal: shown, they do nothing; and JSON for programs keeps them.
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultBundle } from "@innerloop/demo";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";

const esc = "\u001b";
const nasty = "\u001b[31m\u001b[2J\u001b]0;title\u0007\u009b2J\u202eabc\u2066";
const folder = temporaryFolder("terminal");
const bundle = join(folder, "bundle");
cpSync(defaultBundle, bundle, { recursive: true });
const manifest = JSON.parse(readFileSync(join(bundle, "manifest.json"), "utf8"));
writeFileSync(
  join(bundle, "manifest.json"),
  JSON.stringify({ ...manifest, name: `name ${nasty}`, labels: [`one ${nasty}`, `two ${nasty}`] }),
);

/** All but new lines and tabs, and the styles of this program: bold, dim, six colours, and back. */
const acting = /(?!\n|\t)[\p{Cc}\p{Bidi_C}]/u;
const styles = new RegExp(`${esc}\\[(1|2|22|3[1-6]|39)m`, "g");

describe("what a bundle says of itself", () => {
  test("reaches a terminal without control characters", async () => {
    const { stdout, status } = await innerloop(["inspect", bundle], { cwd: folder });
    expect(status).toBe(0);
    expect(stdout).toContain("name \ufffd[31m\ufffd[2J");
    expect(stdout).not.toMatch(acting);
  });

  test("beside the styles that are set here", async () => {
    const { stdout } = await innerloop(["inspect", bundle], { cwd: folder, env: { FORCE_COLOR: "1" } });
    expect(stdout).toContain("\u001b[1m");
    expect(stdout).toContain("\ufffd[31m");
    expect(stdout.replaceAll(styles, "")).not.toMatch(acting);
    expect(stdout).not.toContain("\u001b[31m");
  });

  test("is whole in JSON, which escapes what would act", async () => {
    const { stdout } = await innerloop(["inspect", bundle, "--json"], { cwd: folder });
    expect(stdout).not.toMatch(acting);
    expect(JSON.stringify(JSON.parse(stdout))).toContain(JSON.stringify(`one ${nasty}`));
  });

  test("names no file outside its folder: a page is not written with it", async () => {
    const files = { ...manifest.files, "../../index.html": manifest.files["adapt.onnx"] };
    const other = join(folder, "other");
    cpSync(defaultBundle, other, { recursive: true });
    writeFileSync(join(other, "manifest.json"), JSON.stringify({ ...manifest, files }));
    const { stderr, status } = await innerloop(["demo", other, "--build", join(folder, "a", "site")], { cwd: folder });
    expect(status).toBe(1);
    expect(stderr).toContain('files has the name "../../index.html"; expected a plain name');
  });
});
