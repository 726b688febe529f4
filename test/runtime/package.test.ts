// What an application installs and downloads: how much it is, and that every kind of project can take it in. The packages
// are packed as npm would publish them, into a folder of their own, and used from there.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type BuildOptions, build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { writeBundle } from "./fixture.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const place = temporaryFolder("package");
const application = join(place, "application");
const modules = join(application, "node_modules");
afterAll(() => rmSync(place, { recursive: true, force: true }));

interface Packed {
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}
const packed: Record<string, Packed> = {};

/** Packs a copy of a room and unpacks the tarball into the application. */
function install(name: string): void {
  const copy = join(place, "rooms", name);
  cpSync(join(root, name), copy, { recursive: true, filter: (path) => !path.includes("node_modules") });
  const npm = (...command: string[]) => execFileSync("npm", command, { cwd: copy, encoding: "utf8", stdio: "pipe" });
  const said = npm("pack", "--json", "--silent", "--pack-destination", place);
  const [report] = JSON.parse(said.slice(said.indexOf("["))) as [Packed & { readonly filename: string }];
  packed[name] = report;
  const target = join(modules, "@innerloop", name);
  mkdirSync(target, { recursive: true });
  execFileSync("tar", ["xzf", join(place, report.filename), "-C", target, "--strip-components=1"]);
}

beforeAll(() => {
  mkdirSync(modules, { recursive: true });
  mkdirSync(join(place, "rooms"));
  symlinkSync(join(root, "node_modules"), join(place, "rooms", "node_modules"));
  for (const name of ["schemas", "runtime"]) install(name);
  for (const name of ["onnxruntime-node", "onnxruntime-web", "onnxruntime-common"]) {
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  writeFileSync(join(application, "package.json"), '{ "name": "application", "private": true }');
});

describe("how much it is", () => {
  it.each([
    ["schemas", 98_000],
    ["runtime", 114_000],
  ])("the tarball of %s is at most %i bytes", (name, most) => {
    expect(packed[name]!.size).toBeLessThanOrEqual(most);
    const paths = packed[name]!.files.map(({ path }) => path);
    expect(paths).toContain("package.json");
    expect(paths.filter((path) => /\.(map|tsbuildinfo)$|(?<!\.d)\.ts$/.test(path))).toEqual([]);
  });

  it("the tarball of runtime is at most 98 kB without what adapts small networks, which is asked for by name", () => {
    const copy = join(place, "without-small");
    cpSync(join(root, "runtime"), copy, {
      recursive: true,
      filter: (path) => !path.includes("node_modules") && path !== join(root, "runtime", "dist", "small"),
    });
    // As it is: the build needs what is left out.
    const npm = ["pack", "--json", "--dry-run", "--ignore-scripts"];
    const said = execFileSync("npm", npm, { cwd: copy, encoding: "utf8", stdio: "pipe" });
    const [{ size, files }] = JSON.parse(said) as [Packed];
    expect(size).toBeLessThanOrEqual(98_000);
    expect(files.length).toBeLessThan(packed.runtime!.files.length);
  });

  /** Bytes, gzipped, as a bundler that splits serves it: what loads at start, and with everything that is loaded later. */
  async function served(platform: "node" | "browser"): Promise<{ readonly start: number; readonly all: number }> {
    const { outputFiles, metafile } = await bundle('export { Learner } from "@innerloop/runtime";', {
      platform,
      minify: true,
      splitting: true,
      outdir: application,
      external: ["onnxruntime-*", "sharp", "@huggingface/tokenizers"],
    });
    const outputs = Object.entries(metafile.outputs);
    const sizes = new Map(outputs.map(([path], i) => [path, gzipSync(outputFiles[i]!.contents, { level: 9 }).length]));
    const atStart = new Set(outputs.filter(([path]) => path.endsWith("stdin.js")).map(([path]) => path));
    // A set that grows while it is walked.
    for (const path of atStart)
      for (const { kind, path: imported, external } of metafile.outputs[path]!.imports)
        if (kind === "import-statement" && !external) atStart.add(imported);
    const sum = (paths: Iterable<string>) => [...paths].reduce((total, path) => total + sizes.get(path)!, 0);
    return { start: sum(atStart), all: sum(sizes.keys()) };
  }

  it.each([
    ["node", 45_200],
    ["browser", 37_500],
  ] as const)("at start at most 20 kB for %s, and with all that is loaded later %i bytes", async (platform, most) => {
    const { start, all } = await served(platform);
    expect(start).toBeLessThanOrEqual(20_000);
    expect(all).toBeLessThanOrEqual(most);
    expect(all - start).toBeGreaterThan(5_000);
  });

  it("what adapts small networks is at most 11 kB, and is loaded where it is asked for alone", async () => {
    const { outputFiles } = await bundle('export { small } from "@innerloop/runtime/small";', {
      platform: "browser",
      minify: true,
      external: ["onnxruntime-*"],
    });
    const text = outputFiles[0]!.text;
    expect(gzipSync(text, { level: 9 }).length).toBeLessThanOrEqual(11_000);
    expect(text).toContain("not-small");
    const without = await bundle('export { Learner } from "@innerloop/runtime";', {
      platform: "browser",
      external: ["onnxruntime-*"],
    });
    expect(without.outputFiles[0]!.text).not.toContain("not-small");
  });

  it("nothing of it is left where nothing of it is used", async () => {
    const { outputFiles } = await bundle('import "@innerloop/runtime";', {
      logOverride: { "ignored-bare-import": "silent" },
    });
    expect(outputFiles[0]!.text.trim()).toBe("");
  });
});

describe("the host", () => {
  const hostOf = async (options: BuildOptions) => {
    const { metafile } = await bundle('export { Learner } from "@innerloop/runtime";', {
      ...options,
      external: ["onnxruntime-*", "sharp"],
    });
    return Object.keys(metafile.inputs).flatMap((path) => /hosts\/(node|web|react-native)\.js$/.exec(path)?.[1] ?? []);
  };

  it.each([
    ["Node", { platform: "node" }, "node"],
    ["a browser", { platform: "browser" }, "web"],
    ["another place", { platform: "neutral" }, "web"],
    ["React Native", { platform: "neutral", conditions: ["react-native"] as string[] }, "react-native"],
  ] as const)("of %s is chosen by its conditions, alone", async (_, options, expected) => {
    expect(await hostOf({ ...options })).toEqual([expected]);
  });

  it("of React Native fits without a change to anything else: it is type-checked as the package describes itself", () => {
    // The declarations that onnxruntime-react-native 1.24 ships, in place of those that the room brings along.
    const types = join(application, "onnxruntime-react-native");
    mkdirSync(types);
    writeFileSync(
      join(types, "index.d.ts"),
      "export * from 'onnxruntime-common';\nexport { listSupportedBackends } from './backend';\n",
    );
    writeFileSync(
      join(types, "backend.d.ts"),
      `import type { Backend, InferenceSession, InferenceSessionHandler } from 'onnxruntime-common';
type SessionOptions = InferenceSession.SessionOptions & { ortExtLibPath?: string };
declare class OnnxruntimeBackend implements Backend {
  init(): Promise<void>;
  createInferenceSessionHandler(pathOrBuffer: string | Uint8Array, options?: SessionOptions): Promise<InferenceSessionHandler>;
}
export declare const onnxruntimeBackend: OnnxruntimeBackend;
export declare const listSupportedBackends: () => { name: string }[];
`,
    );
    const check = (paths: string) =>
      compile(
        ["runtime/hosts/react-native.ts"].map((path) => join(place, "rooms", path)),
        {
          module: "esnext",
          moduleResolution: "bundler",
          customConditions: ["react-native"],
          allowImportingTsExtensions: true,
          paths: { "onnxruntime-react-native": [paths] },
          types: ["node"],
          typeRoots: [join(root, "node_modules", "@types")],
        },
      );
    expect(check(join(types, "index.d.ts"))).toBe("");
    writeFileSync(join(types, "other.d.ts"), "export * from 'onnxruntime-common';\n");
    expect(check(join(types, "other.d.ts"))).toMatch(/listSupportedBackends/);
  });
});

describe("an application takes it in", () => {
  const use = `
    .load(process.argv[2], { provider: "cpu" })
    .then(async (learner) => {
      const mine = await learner.adapt([{ label: "a", data: [1, 2, 3, 4] }, { label: "b", data: [-1, 1, 0, 2] }]);
      const again = await learner.restore(await mine.toBytes());
      console.log((await again.predict([1, 2, 3, 4])).label);
      await learner.dispose();
    });`;

  it.each([
    ["as a module", "application.mjs", `import { Learner } from "@innerloop/runtime";\nLearner${use}`],
    ["by require", "application.cjs", `const { Learner } = require("@innerloop/runtime");\nLearner${use}`],
  ])("%s", (_, file, code) => {
    writeFileSync(join(application, file), code);
    const said = execFileSync(process.execPath, [join(application, file), writeBundle("linear")], { encoding: "utf8" });
    expect(said).toBe("a\n");
  });

  it.each([
    ["NodeNext, a module", "a.mts", { module: "nodenext", moduleResolution: "nodenext" }],
    ["NodeNext, CommonJS", "b.cts", { module: "nodenext", moduleResolution: "nodenext" }],
    ["Node16, CommonJS", "c.cts", { module: "node16", moduleResolution: "node16" }],
    ["a bundler", "d.ts", { module: "esnext", moduleResolution: "bundler" }],
    [
      "a bundler for browsers",
      "e.ts",
      { module: "preserve", moduleResolution: "bundler", customConditions: ["browser"] },
    ],
  ])("with its types: %s", (_, file, options) => {
    const source = `import { type Input, InnerloopError, Learner, type Personal } from "@innerloop/runtime";
export async function recognise(example: Float32Array): Promise<string> {
  const learner: Learner = await Learner.load("bundle/", { provider: "auto" });
  const drawn: Input = new URL("file:///drawn.png");
  const other = await learner.example(drawn);
  const mine: Personal = await learner.adapt([{ label: "a", data: example }, { label: "b", data: other }]);
  try {
    return (await mine.predict(example)).label;
  } catch (cause) {
    return cause instanceof InnerloopError ? cause.code : "";
  }
}
`;
    writeFileSync(join(application, file), source);
    const settings = { ...options, lib: ["es2022", "dom"], skipLibCheck: false };
    expect(compile([join(application, file)], settings)).toBe("");
    writeFileSync(join(application, file), source.replace(".label;", ".value;"));
    expect(compile([join(application, file)], settings)).toMatch(/'value' does not exist on type 'ClassPrediction'/);
  });

  it("without sharp and is told what to install, when there is an image file to decode", () => {
    const preprocessing = { kind: "image", width: 2, height: 2, channels: 1, invert: false, mean: 0, std: 1 } as const;
    const bundle = writeBundle("linear", (manifest) => Object.assign(manifest.input, { preprocessing }));
    for (const [file, door] of [
      ["picture.mjs", 'import { Learner } from "@innerloop/runtime";'],
      ["picture.cjs", 'const { Learner } = require("@innerloop/runtime");'],
    ]) {
      writeFileSync(
        join(application, file!),
        `${door}
Learner.load(process.argv[2], { provider: "cpu" }).then(async (learner) => {
  console.log(String(await learner.example({ data: Uint8Array.of(0, 51, 102, 255), width: 2, height: 2 })));
  await learner.example(Uint8Array.of(1, 2, 3)).catch((cause) => console.log(cause.code, cause.message));
});`,
      );
      const said = execFileSync(process.execPath, [join(application, file!), bundle], { encoding: "utf8" });
      const [example, refusal] = said.trim().split("\n");
      expect(example!.split(",").map((value) => Number(value).toFixed(3))).toEqual([
        "0.000",
        "0.200",
        "0.400",
        "1.000",
      ]);
      expect(refusal).toMatch(
        /^sharp-missing sharp could not be loaded .*; install it: npm install sharp, or give decoded/,
      );
    }
  });

  it.each([
    ["node", "onnxruntime-node"],
    ["browser", "onnxruntime-web"],
  ])("without ONNX Runtime and is told what to install (%s)", (condition, name) => {
    const bare = join(place, `bare-${condition}`);
    mkdirSync(join(bare, "node_modules"), { recursive: true });
    cpSync(join(modules, "@innerloop"), join(bare, "node_modules", "@innerloop"), { recursive: true });
    writeFileSync(
      join(bare, "main.mjs"),
      `import { Learner } from "@innerloop/runtime";
import { readFileSync } from "node:fs";
const names = ["manifest.json", "adapt.onnx", "predict.onnx"];
const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(readFileSync(process.argv[2] + "/" + name))]));
await Learner.load({ files }, { provider: "cpu" }).catch((cause) => console.log(cause.code, cause.message));`,
    );
    const said = execFileSync(process.execPath, ["-C", condition, join(bare, "main.mjs"), writeBundle("linear")], {
      encoding: "utf8",
    });
    expect(said).toMatch(/^onnxruntime-missing /);
    expect(said).toContain(`install it: npm install ${name}`);
  });
});

function bundle(contents: string, options: BuildOptions) {
  return build({
    ...options,
    // Names of parts come of paths from here on, so that how many bytes they are packed in is the same in every temporary folder.
    absWorkingDir: application,
    stdin: { contents, resolveDir: application },
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
    metafile: true,
  });
}

/** What the compiler says of files: nothing when they are right. */
function compile(files: readonly string[], options: object): string {
  const settings = join(application, "tsconfig.json");
  const compilerOptions = { strict: true, noEmit: true, target: "es2022", types: [], ...options };
  writeFileSync(settings, JSON.stringify({ compilerOptions, files }));
  try {
    execFileSync(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", settings], {
      encoding: "utf8",
      stdio: "pipe",
    });
    return "";
  } catch (failed) {
    return (failed as { stdout: string }).stdout;
  }
}
