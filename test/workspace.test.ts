// The import table: one list of rooms and doors, which the lint is written from, and which the page on the architecture, every
// package.json and every name of a door in pages and comments agree with.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./support/folders.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const readJson = (path: string) => JSON.parse(read(path));

interface Room {
  readonly folder: string;
  readonly package: string;
  /** What package.json exports, after the package's name: nothing, or `/name`. */
  readonly doors: readonly string[];
  /** Doors of other rooms. */
  readonly imports: readonly string[];
}
const load = (path: string) => import(pathToFileURL(join(root, path)).href);
const {
  rooms: table,
  around,
  doors,
} = (await load("lint/rooms.mjs")) as {
  readonly rooms: readonly Room[];
  readonly around: readonly string[];
  readonly doors: readonly string[];
};
const rooms = table.map((room) => room.folder);
const roomOf = (folder: string): Room => table.find((room) => room.folder === folder)!;
const packageOf = (folder: string): string => roomOf(folder).package;
/** The folders of the rooms of which a room may import any door, in the order of the alphabet. */
const importsOf = (folder: string): string[] =>
  table
    .filter((room) => room.doors.some((door) => roomOf(folder).imports.includes(room.package + door)))
    .map((room) => room.folder)
    .sort();

/** Lints files of one import each with the project's own rules; which of them the import table refuses. */
function refused(cases: readonly { readonly from: string; readonly imports: string }[], code: string): Set<number> {
  const place = temporaryFolder("case");
  const { vcs: _, $schema: __, ...rules } = readJson("biome.json");
  writeFileSync(join(place, "biome.json"), JSON.stringify(rules));
  cases.forEach(({ from, imports }, i) => {
    const file = join(place, from, `case${i}.ts`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code.replace("PACKAGE", imports));
  });
  const biome = join(root, "node_modules", "@biomejs", "biome", "bin", "biome");
  const options = ["lint", "--only=style/noRestrictedImports", "--reporter=json", "--max-diagnostics=none", "."];
  let report = "";
  try {
    report = execFileSync(process.execPath, [biome, ...options], { cwd: place, stdio: "pipe", encoding: "utf8" });
  } catch (failed) {
    report = (failed as { stdout: string }).stdout;
  }
  return new Set([...report.matchAll(/case(\d+)\.ts/g)].map(([, number]) => Number(number)));
}

const statically = 'import { a } from "PACKAGE";\n\nexport const b = a;\n';
const later = 'export const b = await import("PACKAGE");\n';

describe("the import table", () => {
  const between = table.flatMap(({ folder: from, imports: allowed, package: own }) =>
    doors
      .filter((door) => door !== own && !door.startsWith(`${own}/`))
      .map((imports) => ({ from, imports, allowed: allowed.includes(imports) })),
  );

  it.each([
    ["static", statically],
    ["dynamic", later],
  ])("is what the lint goes by, for %s imports", (_, code) => {
    const found = refused(between, code);
    between.forEach(({ from, imports, allowed }, i) => {
      expect(found.has(i), `${from} imports ${imports}`).toBe(!allowed);
    });
  });

  it("is what the rules in biome.json are written from (npm run rules)", async () => {
    const { overrides } = await load("lint/generate.mjs");
    expect(readJson("biome.json").overrides).toEqual(overrides);
  });

  it("goes one way: a room imports only rooms before it", () => {
    for (const [i, room] of table.entries())
      expect(rooms.slice(0, i), room.folder).toEqual(expect.arrayContaining(importsOf(room.folder)));
  });

  it("is the table in docs/architecture.md", () => {
    const rows = [...read("docs/architecture.md").matchAll(/^\| `(\w+)\/` \| `([^`]+)` \| .* \| (.+) \|$/gm)];
    const written = rows.map(([, folder, name, may]) => ({ folder, name, may }));
    const wanted = (folder: string): string => {
      const imports = importsOf(folder);
      if (imports.length === rooms.length - 1) return "all";
      return imports.length === 0 ? "no other room" : imports.join(", ");
    };
    expect(written).toEqual(table.map(({ folder, package: name }) => ({ folder, name, may: wanted(folder) })));
  });

  it("lets nobody past a door", () => {
    const wrong = [
      { from: "train", imports: "@innerloop/graph/dist/core/value.js" },
      { from: "cli/commands", imports: "@innerloop/train/dist/run.js" },
      { from: "train", imports: "../graph/index.ts" },
      { from: "train/engines", imports: "../../graph/core/value.ts" },
      { from: "test/graph", imports: "../../graph/core/value.ts" },
      { from: "graph", imports: "@innerloop/runtime/session" },
      { from: "runtime", imports: "@innerloop/schemas/onnx" },
      { from: "runtime", imports: "@innerloop/schemas" },
      { from: "runtime", imports: "protobufjs/minimal.js" },
      { from: "runtime", imports: "@tensorflow/tfjs-core" },
    ];
    const right = [
      { from: "graph/ops", imports: "../value.ts" },
      { from: "train/engines", imports: "@innerloop/runtime/session" },
      { from: "graph/onnx", imports: "@innerloop/schemas/onnx" },
      { from: "test/pipeline", imports: "../export/learners.ts" },
      { from: "export", imports: "./graphs.ts" },
    ];
    const found = refused([...wrong, ...right], statically);
    expect([...found].sort((a, b) => a - b)).toEqual([...wrong.keys()]);
  });

  it.each(rooms)("is what the package.json of %s says", (folder) => {
    const { name, version, exports, dependencies = {}, license, engines } = readJson(join(folder, "package.json"));
    expect(name).toBe(packageOf(folder));
    expect(Object.keys(exports)).toEqual(roomOf(folder).doors.map((door) => `.${door}`));
    const ours = Object.keys(dependencies).filter((dependency) => rooms.map(packageOf).includes(dependency));
    expect(ours.sort()).toEqual(importsOf(folder).map(packageOf).sort());
    for (const dependency of ours) expect(dependencies[dependency]).toBe(version);
    expect({ license, engines }).toEqual({ license: "MIT", engines: readJson("package.json").engines });
  });

  it("has every room in the workspace, the build and the packages that are tried", () => {
    const { workspaces } = readJson("package.json") as { workspaces: string[] };
    expect(workspaces.filter((folder) => rooms.includes(folder)).sort()).toEqual([...rooms].sort());
    const references = readJson("tsconfig.json").references.map(({ path }: { path: string }) => path.slice(2));
    expect(references.filter((folder: string) => rooms.includes(folder)).sort()).toEqual([...rooms].sort());
    for (const folder of rooms) {
      const { references = [] } = readJson(join(folder, "tsconfig.json")) as { references?: { path: string }[] };
      expect(references.map(({ path }) => path.slice(3)).sort(), folder).toEqual(importsOf(folder));
      expect(read(`test/packages/pack.ts`)).toContain(`"${folder}"`);
      expect(read(`test/packages/use/${folder}.mjs`)).toContain('console.log("used")');
    }
  });
});

describe("doors", () => {
  const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" })
    .trim()
    .split("\n")
    .filter((file) => /\.(md|ts|tsx|mjs|json|jsonc)$/.test(file) && file !== "package-lock.json");
  /** The names of a package and what follows it, in a page or in the comments of a program. */
  const named = (file: string): string[] => {
    const text = read(file);
    const comments = /^\s*(?:\/\/|\/?\*).*$/gm;
    const words = file.endsWith(".md") ? text : [...text.matchAll(comments)].join("\n");
    return [...words.matchAll(/@innerloop\/[\w-]+(?:\/[\w-]+)*/g)].map(String);
  };

  it("that pages and comments name are there", () => {
    const missing = files.flatMap((file) =>
      named(file).flatMap((door) => (doors.includes(door) ? [] : `${file}: ${door}`)),
    );
    expect(missing).toEqual([]);
  });

  it("are all told of in docs/architecture.md", () => {
    const page = read("docs/architecture.md");
    expect(doors.filter((door) => !page.includes(`\`${door}\``))).toEqual([]);
  });

  it("are all ones that someone may come in by", () => {
    const used = new Set(table.flatMap(({ imports }) => imports));
    // Applications take what adapts small networks, tests look into plans; a command line is for people, and for what is around the rooms.
    const others = ["@innerloop/runtime/small", "@innerloop/native/plan", "innerloop"];
    expect(doors.filter((door) => !used.has(door))).toEqual(others);
    expect(around).toEqual(["test", "bench", "examples", "docs"]);
    expect(doors).toEqual(expect.arrayContaining([...used]));
  });
});

describe("what a device installs", () => {
  /** Every package that installing a workspace room brings along, by the lock file. */
  function installed(room: string): Set<string> {
    const { packages } = readJson("package-lock.json") as {
      packages: Record<
        string,
        { dependencies?: object; optionalDependencies?: object; resolved?: string; link?: boolean }
      >;
    };
    const found = new Set<string>();
    const visit = (at: string) => {
      const { dependencies = {}, optionalDependencies = {} } = packages[at] ?? {};
      for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
        if (found.has(name)) continue;
        found.add(name);
        const entry = [`${at}/node_modules/${name}`, `node_modules/${name}`].find((path) => packages[path]);
        if (entry) visit(packages[entry]!.link ? packages[entry]!.resolved! : entry);
      }
    };
    visit(room);
    return found;
  }

  it.each(["schemas", "runtime"])("%s brings neither TensorFlow.js nor protobufjs", (room) => {
    const names = [...installed(room)];
    expect(names.filter((name) => name.startsWith("@tensorflow/") || name.startsWith("protobufjs"))).toEqual([]);
  });

  it("finds them where they are", () => {
    expect(installed("train")).toContain("@tensorflow/tfjs-core");
    expect(installed("cli")).toContain("fflate");
    // Which ONNX Runtime a device needs is its own choice: a peer.
    expect([...installed("runtime")]).toEqual(["@innerloop/schemas"]);
  });
});
