// The import table: the lint refuses what goes against it, and every package.json says the same.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./support/folders.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const readJson = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8"));

/** What each room may import, as the table in docs/architecture.md has it. */
const table: Record<string, readonly string[]> = {
  schemas: [],
  graph: ["schemas"],
  runtime: ["schemas"],
  export: ["graph", "runtime", "schemas"],
  train: ["graph", "runtime", "schemas"],
  demo: ["runtime", "schemas"],
  cli: ["demo", "export", "graph", "runtime", "schemas", "train"],
};
const packageOf = (room: string): string => (room === "cli" ? "innerloop" : `@innerloop/${room}`);
/** The door that a room takes: a device gets no more of the formats than it needs. */
const doorOf = (from: string, to: string): string =>
  from === "runtime" && to === "schemas" ? "@innerloop/schemas/bundle" : packageOf(to);
const rooms = Object.keys(table);

const folder = temporaryFolder("lint");

/** Lints files of one import each with the project's own rules; which of them the import table refuses. */
function refused(cases: readonly { readonly from: string; readonly imports: string }[], code: string): Set<number> {
  const place = mkdtempSync(join(folder, "case-"));
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
  const between = rooms.flatMap((from) =>
    rooms
      .filter((to) => to !== from)
      .map((to) => ({ from, imports: doorOf(from, to), allowed: table[from]!.includes(to) })),
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

  it("names doors that there are", () => {
    const doors = rooms.flatMap((room) =>
      Object.keys(readJson(join(room, "package.json")).exports).map((path) => packageOf(room) + path.slice(1)),
    );
    const named = readFileSync(join(root, "biome.json"), "utf8").matchAll(/"!((?:@innerloop\/|innerloop)[^"*]*)"/g);
    expect(doors).toEqual(expect.arrayContaining([...new Set([...named].map(([, door]) => door))]));
  });

  it.each(rooms)("is what the package.json of %s says", (room) => {
    const { name, dependencies = {}, license, engines } = readJson(join(room, "package.json"));
    expect(name).toBe(packageOf(room));
    const ours = Object.keys(dependencies).filter((dependency) => rooms.map(packageOf).includes(dependency));
    expect(ours.sort()).toEqual(table[room]!.map(packageOf).sort());
    expect({ license, engines }).toEqual({ license: "MIT", engines: readJson("package.json").engines });
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
