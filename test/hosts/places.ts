// The other places where JavaScript runs and tests of applications do, and other package managers: fetched by
// `npm run test:hosts` and `npm run test:packages`, and used where they are.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const modules = join(createRequire(import.meta.url).resolve("vitest/package.json"), "..", "..");
const folder = join(modules, ".cache", "innerloop-hosts");

/** What is fetched, each into a folder of its own: an npm package, and the program in it. */
const packages = {
  "node-14": ["node@14", "node"],
  "node-18": ["node@18", "node"],
  "node-22": ["node@22", "node"],
  "node-24": ["node@24", "node"],
  bun: ["bun@1", "bun"],
  deno: ["deno@2", "deno"],
  jest: ["jest@30", "jest"],
  "node-20": ["node@20", "node"],
  pnpm: ["pnpm@12", "pnpm"],
  yarn: ["@yarnpkg/cli-dist@4", "yarn"],
} as const;

export type PlaceName = keyof typeof packages;

/** A place's program; undefined where it was not fetched. */
export function programOf(name: PlaceName): string | undefined {
  const program = join(folder, name, "node_modules", ".bin", packages[name][1]);
  return existsSync(program) ? program : undefined;
}

/** Why tests in a place are skipped; undefined where it is here. */
export const absent = (name: PlaceName): string | undefined =>
  programOf(name) ? undefined : "npm run test:hosts fetches it";

/** Fetches those that are not there; says of each whether it is there now. */
export function fetchPlaces(names: readonly PlaceName[]): void {
  for (const name of names) {
    if (!programOf(name)) {
      const place = join(folder, name);
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, "package.json"), '{ "private": true }');
      try {
        execFileSync("npm", ["install", "--no-audit", "--no-fund", packages[name][0]], { cwd: place, stdio: "pipe" });
      } catch (failed) {
        console.error(String((failed as { stderr?: Buffer }).stderr ?? failed).trim());
      }
    }
    console.log(`${programOf(name) ? "here   " : "missing"}  ${name}`);
  }
}
