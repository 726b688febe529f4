// Every room as npm would publish it: its tarball, and what is in it.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// The tests run from the sources, the program from test/dist.
const compiled = import.meta.url.includes("/test/dist/");
export const root = fileURLToPath(new URL(compiled ? "../../.." : "../..", import.meta.url));
export const rooms = [
  "schemas",
  "graph",
  "runtime",
  "native",
  "bundles",
  "export",
  "train",
  "measure",
  "setup",
  "demo",
  "cli",
] as const;
export type Room = (typeof rooms)[number];

/** What a package.json says that matters here. */
export interface Description {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly engines: { readonly node: string };
  readonly exports: Readonly<Record<string, object>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface Packed {
  readonly room: Room;
  readonly description: Description;
  /** The path of the .tgz. */
  readonly tarball: string;
  /** The folder that it was unpacked to. */
  readonly folder: string;
  /** The paths of its files, from there. */
  readonly files: readonly string[];
}

/** Packs a room where it stands, into `place`, and unpacks the tarball there. */
export function pack(room: Room, place: string): Packed {
  const command = ["pack", "--json", "--silent", "--pack-destination", place];
  const said = execFileSync("npm", command, { cwd: join(root, room), encoding: "utf8", stdio: "pipe" });
  const [{ filename }] = JSON.parse(said.slice(said.indexOf("["))) as [{ filename: string }];
  const tarball = join(place, filename);
  const folder = join(place, room);
  mkdirSync(folder, { recursive: true });
  execFileSync("tar", ["xzf", tarball, "-C", folder, "--strip-components=1"]);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
  const description = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Description;
  return { room, description, tarball, folder, files };
}
