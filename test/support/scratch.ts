// A copy of the repository that may be edited, built, linted and tested, to show how much a change of a kind touches.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "./folders.ts";
import { repository } from "./root.ts";

/** What becomes of a file: a text, also where there is none yet, or what is made of the text that it has. */
export type Edit = string | ((old: string) => string);

/** What an edit changed; a line that is written otherwise counts as one removed and one added. */
export interface Change {
  readonly path: string;
  readonly added: number;
  readonly removed: number;
}

export interface Scratch {
  readonly folder: string;
  readonly changes: readonly Change[];
  /** Runs a program in the folder and gives what it prints; where it fails, the test fails with that. */
  run(program: string, ...args: readonly string[]): string;
  /** Compiles rooms and what they refer to; all rooms unless some are named. */
  build(...rooms: readonly string[]): void;
  /** Rules and formatting of files and folders; of all unless some are named. */
  lint(...paths: readonly string[]): void;
  /** Runs test files, which import what was built. */
  test(...files: readonly string[]): string;
}

/** What git knows of, as it stands in the working tree. */
function trackedFiles(): string[] {
  const { stdout } = spawnSync("git", ["ls-files", "-z"], { cwd: repository, encoding: "utf8", maxBuffer: 2 ** 26 });
  return stdout.split("\0").filter((path) => path !== "" && existsSync(join(repository, path)));
}

interface Package {
  readonly name: string;
  readonly workspaces?: readonly string[];
}
const packageIn = (room: string): Package =>
  JSON.parse(readFileSync(join(repository, room, "package.json"), "utf8")) as Package;

/** Links every package that is installed; rooms are those of the copy. */
function linkPackages(folder: string, rooms: readonly string[]): void {
  const [from, to] = [join(repository, "node_modules"), join(folder, "node_modules")];
  const own = new Map(rooms.map((room) => [packageIn(room).name, join(folder, room)]));
  const link = (name: string) => symlinkSync(own.get(name) ?? join(from, name), join(to, name));
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    // Caches are written to.
    if (name === ".cache" || name.startsWith(".vite")) continue;
    const scoped = name.startsWith("@") && readdirSync(join(from, name));
    if (!scoped || ![...own.keys()].some((key) => key.startsWith(`${name}/`))) {
      link(name);
      continue;
    }
    mkdirSync(join(to, name));
    for (const inner of scoped) link(`${name}/${inner}`);
  }
  // Versions of its own that a room has.
  for (const room of rooms) {
    const inner = join(repository, room, "node_modules");
    if (existsSync(inner)) symlinkSync(inner, join(folder, room, "node_modules"));
  }
}

function changeOf(path: string, folder: string): Change {
  const old = join(repository, path);
  const pair = [existsSync(old) ? old : "/dev/null", join(folder, path)];
  const { stdout } = spawnSync("git", ["diff", "--no-index", "--numstat", ...pair], { encoding: "utf8" });
  const [added = 0, removed = 0] = stdout.split("\t").slice(0, 2).map(Number);
  return { path, added, removed };
}

/** Copies the tree with what was built of it, and applies the edits, by path. The copy goes when the test file is done. */
export function scratchCopy(edits: Readonly<Record<string, Edit>>): Scratch {
  const folder = temporaryFolder("scratch");
  const rooms = packageIn(".").workspaces!;
  const copy = (path: string) =>
    cpSync(join(repository, path), join(folder, path), { recursive: true, preserveTimestamps: true });
  for (const path of trackedFiles()) copy(path);
  // What was built is newer than its sources, so that only what the edits concern is built again.
  for (const path of rooms.flatMap((room) => [join(room, "dist"), join(room, "generated")]))
    if (existsSync(join(repository, path))) copy(path);
  linkPackages(folder, rooms);
  for (const [path, edit] of Object.entries(edits)) {
    const file = join(folder, path);
    const text = typeof edit === "string" ? edit : edit(readFileSync(file, "utf8"));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  // The test runner's own variables would make another one, started in here, take itself for a part of it.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|NODE_ENV$)/.test(name)),
  );
  const run = (program: string, ...args: readonly string[]): string => {
    const { status, error, stdout, stderr } = spawnSync(program, args, {
      cwd: folder,
      encoding: "utf8",
      env: { ...env, NO_COLOR: "1" },
      maxBuffer: 2 ** 26,
    });
    if (status === 0) return stdout;
    throw new Error(
      `${[program, ...args].join(" ")}: ${error?.message ?? `status ${status}`}\n${(stdout + stderr).slice(-10_000)}`,
    );
  };
  // What asks git for the files of the tree is told of those of the copy.
  run("git", "init", "--quiet");
  const installed = (program: string, ...args: readonly string[]) =>
    run(join(folder, "node_modules", ".bin", program), ...args);
  return {
    folder,
    changes: Object.keys(edits).map((path) => changeOf(path, folder)),
    run,
    build: (...which) => {
      run(process.execPath, "schemas/generate.mjs");
      installed("tsc", "-b", ...which);
      run(process.execPath, "schemas/doors.mjs");
    },
    lint: (...paths) => void installed("biome", "check", ...(paths.length > 0 ? paths : ["."])),
    test: (...files) => installed("vitest", "run", ...files),
  };
}
