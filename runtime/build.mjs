// Makes of what the compiler wrote what npm packs: modules that leave comments to the declarations, and beside them the same
// as CommonJS, for tools that know no ES modules. Nothing is minified, so that an error says where it comes from; what an
// application downloads its bundler makes small. The classes of the two doors differ: take either.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync, transformSync } from "esbuild";

const dist = fileURLToPath(new URL("dist", import.meta.url));
const commonjs = join(dist, "cjs");
const external = ["onnxruntime-*", "sharp", "@huggingface/tokenizers"];
/** No older Node runs it, but one that parses it can say so. */
const parsed = { "logical-assignment": false };

/** Leaves files alone that are as they should be, so that a second build and packing change nothing. */
function write(file, text) {
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

for (const name of readdirSync(dist, { recursive: true }))
  if (name.endsWith(".js") && !name.startsWith("cjs")) {
    const text = readFileSync(join(dist, name), "utf8").replaceAll(/^ *(?:\/\*\*[\s\S]*?\*\/|\/\/ .*)\n/gm, "");
    write(join(dist, name), transformSync(text, { target: "es2022", supported: parsed }).code);
  }

// What require gives on Node: every module that the door leads to, under its name, and the one of another room in one file.
const { metafile } = buildSync({
  ...{ entryPoints: ["index.js"], outdir: commonjs, absWorkingDir: dist, external },
  ...{ bundle: true, splitting: true, format: "esm", platform: "node", metafile: true, write: false },
});
const modules = Object.keys(metafile.inputs).filter((path) => !path.startsWith(".."));
const options = {
  ...{ format: "cjs", platform: "node", target: "es2022", absWorkingDir: dist, write: false },
  define: { "import.meta.url": "__filename" },
  // Test runners that cannot import from CommonJS can require.
  supported: { ...parsed, "dynamic-import": false },
};
const doors = ["@innerloop/schemas/bundle", "@innerloop/schemas/preprocessing"];
const { outputFiles: ours } = buildSync({ ...options, entryPoints: modules, outdir: commonjs, outbase: "." });
const { outputFiles: formats } = buildSync({
  ...options,
  ...{ bundle: true, stdin: { contents: doors.map((door) => `export * from "${door}";`).join(""), resolveDir: dist } },
  outfile: join(commonjs, "schemas.js"),
});
const files = [...ours, ...formats].map(({ path, text }) => {
  const up = relative(dirname(path), commonjs) || ".";
  const places = {
    "#host": `${up}/hosts/node.js`,
    ...Object.fromEntries(doors.map((door) => [door, `${up}/schemas.js`])),
  };
  return [
    path,
    text.replaceAll(/\brequire\("([^"]+)"\)/g, (call, name) => (places[name] ? `require("${places[name]}")` : call)),
  ];
});

// The types are those of the modules. Names that are values, too, are said again, since a type is all that can be imported.
const { exports } = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === "index.js");
const from = '"../index.js" with { "resolution-mode": "import" }';
files.push(
  [join(commonjs, "package.json"), '{ "type": "commonjs" }\n'],
  [
    join(commonjs, "index.d.ts"),
    `import type * as modules from ${from};
export type * from ${from};
${exports.map((name) => `export declare const ${name}: typeof modules.${name};\n`).join("")}export type InnerloopError = modules.InnerloopError;
export type Learner<T extends modules.Task = "classification"> = modules.Learner<T>;
export type Personal<T extends modules.Task = "classification"> = modules.Personal<T>;
`,
  ],
);
for (const [path, text] of files) write(path, text);
const wanted = new Set(files.map(([path]) => path));
for (const entry of readdirSync(commonjs, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (entry.isFile() && !wanted.has(path)) rmSync(path);
}
