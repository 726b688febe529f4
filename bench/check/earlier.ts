// An earlier commit, built in a folder of its own: its rooms, driven by the benchmark that is here now, so that both sides do the same.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InnerloopError } from "@innerloop/schemas";
import type { OurEngine } from "../ours/engines.ts";
import { tell } from "../outcome.ts";

/** This file runs compiled, from bench/dist/check. */
const repository = fileURLToPath(new URL("../../..", import.meta.url));

const git = (...args: readonly string[]): string =>
  execFileSync("git", ["-C", repository, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();

/** @throws InnerloopError (status 2) for what names no commit */
function commitNamed(name: string): string {
  try {
    return git("rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`);
  } catch {
    throw new InnerloopError(
      "unknown-commit",
      `--against ${name} was given, which is no commit of ${repository}; give one, such as HEAD~1 or main.`,
      { exitStatus: 2 },
    );
  }
}

/**
 * The packages of this checkout, linked, so that only the project's own code differs; links among its own packages are made anew, and
 * lead to the earlier ones.
 */
function linkPackages(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [own, other] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isSymbolicLink()) symlinkSync(readlinkSync(own), other, "junction");
    else if (entry.isDirectory() && entry.name.startsWith("@")) linkPackages(own, other);
    else symlinkSync(own, other, entry.isDirectory() ? "junction" : "file");
  }
}

function run(folder: string, command: string, args: readonly string[], room = "."): void {
  try {
    execFileSync(command, args, {
      cwd: join(folder, room),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
    });
  } catch (cause) {
    const { stdout = "", stderr = "" } = cause as { stdout?: string; stderr?: string };
    const said = `${stdout}\n${stderr}`.trim().split("\n").slice(-5).join(" ");
    throw new InnerloopError(
      "build-failed",
      `The earlier commit did not build here: ${command} ${args.join(" ")}: ${said}. Its packages may be others: --install gives it its own.`,
    );
  }
}

/** A built earlier commit. */
export interface Earlier {
  readonly commit: string;
  /** Its folder of the benchmark. */
  readonly bench: string;
  remove(): void;
}

/**
 * @param install gives it the packages that it asks for, instead of those that are here
 * @param engine what is measured: native kernels are built for it as well
 */
export function buildEarlier(name: string, install: boolean, engine: OurEngine): Earlier {
  const commit = commitNamed(name);
  const folder = mkdtempSync(join(tmpdir(), "innerloop-earlier-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    tell(`${commit.slice(0, 10)}: building it`);
    const archive = join(folder, "archive.tar");
    git("archive", "--format=tar", `--output=${archive}`, commit);
    run(folder, "tar", ["-xf", archive]);
    if (install) run(folder, "npm", ["ci", "--prefer-offline", "--ignore-scripts"]);
    else linkPackages(join(repository, "node_modules"), join(folder, "node_modules"));
    // What `npm run prepare` does, but for the page of the demo.
    run(folder, process.execPath, ["schemas/generate.mjs"]);
    run(folder, process.execPath, ["node_modules/typescript/bin/tsc", "-b", "cli"]);
    run(folder, process.execPath, ["schemas/doors.mjs"]);
    run(folder, process.execPath, ["build.mjs"], "runtime");
    if (engine === "native") run(folder, process.execPath, ["prepare.mjs"], "native");
    const bench = join(folder, "bench");
    rmSync(join(bench, "dist"), { recursive: true, force: true });
    for (const part of ["dist", "package.json"])
      cpSync(join(repository, "bench", part), join(bench, part), { recursive: true });
    return { commit, bench, remove };
  } catch (cause) {
    remove();
    throw cause;
  }
}
