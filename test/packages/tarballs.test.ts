// What npm would publish of each room: whole, with its licence, nothing that belongs to the build, nothing that it does not
// ask for; and the tools that know what goes wrong with packages find nothing.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { subset } from "semver";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { type Packed, pack, type Room, rooms, root } from "./pack.ts";

const place = temporaryFolder("tarballs");

/** Every file of a room and its bytes, in short. */
function contents(room: Room): Record<string, string> {
  const files = readdirSync(join(root, room), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.map((path) => [path, createHash("sha256").update(readFileSync(path)).digest("hex")]));
}

const before = Object.fromEntries(rooms.map((room) => [room, contents(room)]));
const packed = Object.fromEntries(rooms.map((room) => [room, pack(room, place)])) as Record<Room, Packed>;
const after = Object.fromEntries(rooms.map((room) => [room, contents(room)]));

/** The package that a module is of. */
const packageOf = (name: string): string => name.split("/", name.startsWith("@") ? 2 : 1).join("/");

/** What the modules of a room import from elsewhere; an import of its own that leads nowhere is an error of esbuild. */
async function imported({ folder, files }: Packed): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: files.filter((file) => /^(dist\/(?!site\/)|bin\/).*\.js$/.test(file)),
    ...{ absWorkingDir: folder, outdir: folder, write: false, bundle: true, metafile: true, format: "esm" },
    ...{ packages: "external", platform: "node", logLevel: "silent" },
  });
  const modules = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
  return modules.filter(({ external }) => external).map(({ path }) => path);
}

/** What the declarations of a room import. */
function declared({ folder, files }: Packed): { readonly by: string; readonly name: string }[] {
  return files
    .filter((file) => file.endsWith(".d.ts"))
    .flatMap((by) => {
      const text = readFileSync(join(folder, by), "utf8");
      return [...text.matchAll(/\b(?:from |import\(|import )"([^"]+)"/g)].map(([, name]) => ({ by, name: name! }));
    });
}

describe.each(rooms)("the tarball of %s", (room) => {
  const it_ = packed[room];

  it("has the licence", () => {
    expect(readFileSync(join(it_.folder, "LICENSE"), "utf8")).toBe(readFileSync(join(root, "LICENSE"), "utf8"));
    expect(it_.description.license).toBe("MIT");
  });

  it("has nothing of the build in it, and no map to what is not there", () => {
    const meant =
      /^(LICENSE|README\.md|package\.json|[a-z]+\.schema\.json|machines\/[\w-]+\.json|dist\/cjs\/package\.json|bin\/\w+\.js|[a-z]+\/(manifest\.json|(adapt|predict)\.onnx)|dist\/site\/.+|source\/[\w-]+\.[ch]|dist\/.+(\.d\.ts|\.js))$/;
    expect(it_.files.filter((file) => !meant.test(file) || /\.(test|config)\.|\.map$/.test(file))).toEqual([]);
    const mapped = it_.files.filter((file) =>
      readFileSync(join(it_.folder, file), "utf8").includes("sourceMappingURL="),
    );
    expect(mapped).toEqual([]);
  });

  it("was packed without a change to the room's folder", () => {
    expect(after[room]).toEqual(before[room]);
  });

  it("asks for every package that it imports", async () => {
    const { name, dependencies, optionalDependencies, peerDependencies } = it_.description;
    const known = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    const names = [...(await imported(it_)), ...declared(it_).map((each) => each.name)];
    const others = names.filter((each) => !each.startsWith(".") && !each.startsWith("#") && !each.startsWith("node:"));
    const packages = new Set(others.map(packageOf).filter((each) => !builtinModules.includes(each)));
    expect([...packages].filter((each) => each !== name && !known.includes(each))).toEqual([]);
  });

  it("has every declaration that one of its declarations refers to", () => {
    const missing = declared(it_).filter(({ by, name }) => {
      const path = join(dirname(by), name.replace(/\.[jt]s$/, ".d.ts"));
      return name.startsWith(".") && !it_.files.includes(path);
    });
    expect(missing).toEqual([]);
  });

  it("is faultless to publint", async () => {
    const bytes = readFileSync(it_.tarball);
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("has types that are right wherever it can be imported, and required where it has a door for that", async () => {
    const found = await checkPackage(createPackageFromTarballData(readFileSync(it_.tarball)));
    if (found.types === false) throw new Error("no types were found");
    const required = Object.entries(it_.description.exports).filter(([, conditions]) => "require" in conditions);
    const problems = found.problems.filter((problem) => {
      // Node's resolution before "exports" is none that Node 20 or TypeScript's supported releases still use.
      if (!("resolutionKind" in problem)) return true;
      if (problem.resolutionKind === "node10") return false;
      return problem.resolutionKind !== "node16-cjs" || required.some(([path]) => path === problem.entrypoint);
    });
    expect(problems).toEqual([]);
  });

  it("needs no other Node than the packages that it brings", () => {
    const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
      packages: Record<
        string,
        { engines?: { node?: string }; dependencies?: object; link?: boolean; resolved?: string }
      >;
    };
    const seen = new Set<string>();
    const narrower: string[] = [];
    const visit = (at: string) => {
      for (const name of Object.keys(packages[at]?.dependencies ?? {})) {
        const places = [`${at}/node_modules/${name}`, `node_modules/${name}`];
        const path = places.find((each) => packages[each]);
        if (path === undefined || seen.has(path)) continue;
        seen.add(path);
        const { engines, link, resolved } = packages[path]!;
        if (engines?.node && !subset(it_.description.engines.node, engines.node))
          narrower.push(`${name}: ${engines.node}`);
        visit(link ? resolved! : path);
      }
    };
    visit(room);
    expect(narrower).toEqual([]);
  });
});

describe("an error of the runtime on Node", () => {
  const application = join(place, "application");
  beforeAll(() => {
    const modules = join(application, "node_modules");
    mkdirSync(join(modules, "@innerloop"), { recursive: true });
    for (const room of ["schemas", "runtime"] as const)
      symlinkSync(packed[room].folder, join(modules, "@innerloop", room));
  });

  it.each([
    ["module", 'import { Learner } from "@innerloop/runtime";', "runtime/dist"],
    ["commonjs", 'const { Learner } = require("@innerloop/runtime");', "runtime/dist/cjs"],
  ])("says in which function and line it arose (%s)", (type, door, folder) => {
    const code = `${door} Learner.load("nowhere").catch(({ stack }) => console.log(stack));`;
    const options = ["--preserve-symlinks", "--input-type", type, "-e", code];
    const said = execFileSync(process.execPath, options, { cwd: application, encoding: "utf8" });
    const frames = [...said.matchAll(/^ +at (?:async )?(.+) \((.+):(\d+):(\d+)\)$/gm)].map(
      ([, name, file, line, column]) => ({ name, file: file!, line: Number(line), column: Number(column) }),
    );
    const ours = frames.filter(({ file }) => file.includes(`/@innerloop/${folder}/`));
    expect(ours.map(({ name }) => name)).toEqual(expect.arrayContaining(["load", "Learner.load"]));
    // A line of code that a person can read: not the whole module.
    for (const { line, column } of ours) expect(line > 1 && column < 120, said).toBe(true);
    for (const { file, line, name } of ours)
      expect(readFileSync(file.replace(/^file:\/\//, ""), "utf8").split("\n")[line - 1], name).toMatch(/\w\)?\(/);
  });
});
