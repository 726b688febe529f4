// An empty project into which a package manager installs rooms, from a registry, and a program that uses them there.
import { execFile, execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { programOf } from "../hosts/places.ts";
import { type Room, root } from "./pack.ts";

export const managers = ["npm", "pnpm", "yarn"] as const;
export type Manager = (typeof managers)[number];

/** What a user of a room installs: the room, and what its guide puts beside it. */
const wanted: Readonly<Record<Room, readonly string[]>> = {
  schemas: ["@innerloop/schemas"],
  graph: ["@innerloop/graph"],
  runtime: ["@innerloop/runtime", "onnxruntime-node", "sharp"],
  native: ["@innerloop/native"],
  bundles: ["@innerloop/bundles"],
  export: ["@innerloop/export", "@innerloop/train"],
  train: ["@innerloop/train"],
  measure: ["@innerloop/measure", "@innerloop/train"],
  setup: ["@innerloop/setup"],
  demo: ["@innerloop/demo"],
  cli: ["innerloop"],
};

/** The program of Node of a major version: this one, or one that was fetched. */
export function nodeOf(major: number): string | undefined {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  return programOf(`node-${major}` as "node-22");
}

/** Files beside package.json: where to install from, and that nothing is found that was not asked for. */
function settings(manager: Manager, registry: string): Record<string, string> {
  if (manager === "npm") return { ".npmrc": `registry=${registry}\n` };
  if (manager === "pnpm") {
    // Nothing is built that nobody allowed, as pnpm does it unless told otherwise, without taking that for a failure.
    const strict = "nodeLinker: isolated\nhoist: false\nshamefullyHoist: false\nstrictDepBuilds: false\n";
    return { ".npmrc": `registry=${registry}\n`, "pnpm-workspace.yaml": `packages: []\n${strict}` };
  }
  const more = 'unsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\nenableImmutableInstalls: false\n';
  return { ".yarnrc.yml": `npmRegistryServer: "${registry}"\nnodeLinker: node-modules\n${more}`, "yarn.lock": "" };
}

/** Makes an empty project. */
function emptyProject(folder: string, manager: Manager, registry: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "name": "application", "private": true }\n');
  for (const [name, text] of Object.entries(settings(manager, registry))) writeFileSync(join(folder, name), text);
}

/** Calls a program in a project, as a shell there would with this Node; its output, all of it in the error if it fails. */
async function call(
  folder: string,
  node: string,
  [program, ...words]: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  // What the npm that started this told it is not what a shell tells.
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$|^INIT_CWD$/i.test(name));
  const env = {
    ...Object.fromEntries(inherited),
    PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
    ...environment,
  };
  try {
    const { stdout } = await promisify(execFile)(program, words, { cwd: folder, env, maxBuffer: 1 << 26 });
    return stdout;
  } catch (failed) {
    const { stdout, stderr } = failed as { stdout: string; stderr: string };
    throw new Error(`${basename(program)} ${words.join(" ")} in ${folder}:\n${stdout}\n${stderr}`);
  }
}

/** The commands by which pages say that something is installed, of each page of the repository that has any. */
export function installLines(): { readonly page: string; readonly line: string }[] {
  const pages = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" }).trim().split("\n");
  return pages.flatMap((page) => {
    const found = readFileSync(join(root, page), "utf8").matchAll(
      /(?:\b[A-Z_]+=\w+ )?\bnpm (?:install|i|add) [^`\n]*\w/g,
    );
    return [...new Set([...found].map(String))].map((line) => ({ page, line }));
  });
}

/** Runs such a command to the letter in an empty project, and imports what it installs. */
export async function follow(folder: string, line: string, node: string, registry: string): Promise<void> {
  emptyProject(folder, "npm", registry);
  await call(folder, node, ["sh", "-c", line]);
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { dependencies: object };
  const asked = line
    .split(" ")
    .filter((word) => /^[@a-z]/.test(word) && !["npm", "install", "i", "add"].includes(word));
  if (Object.keys(dependencies).sort().join() !== [...asked].sort().join())
    throw new Error(`${line}: asked for ${asked} and installed ${Object.keys(dependencies)}`);
  // What is for browsers and phones is not run by Node; that it is there is what can be told here.
  const run = asked.filter((name) => !/-(web|react-native)$/.test(name));
  const code = run.map((name) => `await import("${name}");`).join("\n");
  await call(folder, node, [node, "--input-type=module", "-e", code]);
}

/** Installs what a user of a room installs, with nothing from outside the npm registry, and uses it. */
export async function installAndUse(folder: string, room: Room, manager: Manager, node: string, registry: string) {
  emptyProject(folder, manager, registry);
  const program = manager === "npm" ? "npm" : programOf(manager === "pnpm" ? "pnpm" : "yarn");
  if (program === undefined) throw new Error(`${manager} is not here`);
  const skip = { ONNXRUNTIME_NODE_INSTALL: "skip" };
  const verb = manager === "npm" ? "install" : "add";
  await call(folder, node, [program, verb, ...wanted[room]], skip);
  await use(folder, room, node);
}

/** Runs the program of a room in a project that has it. */
export async function use(folder: string, room: Room | "runtime-alone", node: string): Promise<void> {
  copyFileSync(join(root, "test", "packages", "use", `${room}.mjs`), join(folder, "use.mjs"));
  const given = [join(root, "bundles", "drawings"), join(root, "docs", "demo-phone.webp")];
  const said = await call(folder, node, [node, "use.mjs", ...given]);
  if (!said.includes("used")) throw new Error(`${room}: it was used in ${folder} and said: ${said}`);
}
