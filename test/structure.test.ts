// The structure of the tree: no file imports itself by way of others, types included, within a room or through several; and no
// file is longer than a reader keeps in mind.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (file: string) => readFileSync(join(root, file), "utf8");

const listed = ["ls-files", "-co", "--exclude-standard", "*.ts", "*.tsx"];
const files = execFileSync("git", listed, { cwd: root, encoding: "utf8" })
  .trim()
  .split("\n")
  .filter((file) => existsSync(join(root, file)));

/** The source of each door of each room, by the name that it is imported by. */
async function sourcesOfDoors(): Promise<ReadonlyMap<string, string>> {
  const { rooms } = (await import(pathToFileURL(join(root, "lint", "rooms.mjs")).href)) as {
    readonly rooms: readonly { readonly folder: string; readonly package: string }[];
  };
  return new Map(
    rooms.flatMap(({ folder, package: name }) => {
      const { exports } = JSON.parse(read(`${folder}/package.json`)) as { exports: Record<string, { types: string }> };
      return Object.entries(exports).map(([door, { types }]): [string, string] => [
        posix.join(name, door),
        posix.join(folder, types.replace(/^\.\/dist\//, "").replace(/\.d\.ts$/, ".ts")),
      ]);
    }),
  );
}

/** What follows `from` or stands in an import: static, of types alone, for its effects, or dynamic. */
const importing = [
  /^[ \t]*(?:import|export)\b[^;"'`]*?\bfrom\s*"([^"]+)"/gm,
  /^[ \t]*import\s+"([^"]+)"/gm,
  /\bimport\(\s*"([^"]+)"\s*\)/g,
];

/** The files of the tree that a file imports. */
function importsOf(file: string, doors: ReadonlyMap<string, string>): string[] {
  const text = read(file);
  const names = importing.flatMap((pattern) => [...text.matchAll(pattern)].map(([, name]) => name!));
  return names.flatMap((name) => {
    const found = name.startsWith(".") ? posix.join(posix.dirname(file), name) : doors.get(name);
    return found !== undefined && files.includes(found) ? [found] : [];
  });
}

/** Circles of a graph, each as the way around it; at least one of any that hang together. */
function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (file: string): void => {
    if (done.has(file)) return;
    const before = way.indexOf(file);
    if (before >= 0) {
      circles.push([...way.slice(before), file].join(" → "));
      return;
    }
    way.push(file);
    for (const next of imports.get(file) ?? []) visit(next);
    way.pop();
    done.add(file);
  };
  for (const file of imports.keys()) visit(file);
  return circles;
}

describe("imports", () => {
  it("make no circle, those of types included", async () => {
    const doors = await sourcesOfDoors();
    const imports = new Map(files.map((file) => [file, importsOf(file, doors)]));
    // Were the names of imports read wrongly, there would be none to go around in.
    expect([...imports.values()].flat().length).toBeGreaterThan(2 * files.length);
    expect([...doors.values()].filter((source) => !files.includes(source))).toEqual([]);
    expect(circlesOf(imports)).toEqual([]);
  });

  it("that make one are found, with the way around", () => {
    const imports = { a: ["b"], b: ["c", "d"], c: [], d: ["e"], e: ["b"], f: ["f"] };
    expect(circlesOf(new Map(Object.entries(imports)))).toEqual(["b → d → e → b", "f → f"]);
  });
});

/** Lines of a file, unless it says why it has more. */
const mostLines = 400;

describe("files", () => {
  it(`have at most ${mostLines} lines, or say in the first ones what they are "long because" of`, () => {
    const long = files.flatMap((file) => {
      const lines = read(file).trimEnd().split("\n");
      const excused = lines.slice(0, 5).some((line) => line.includes("long because"));
      return lines.length > mostLines && !excused ? [`${file}: ${lines.length} lines`] : [];
    });
    expect(long).toEqual([]);
  });
});
