// Rooms that Node loads as one file: beside a room's modules a dist/bundle/index.js with all of them, since opening and compiling
// a file for each takes longer than what is in it. What is imported only when it is used stays a file of its own; so do programs
// of threads and processes, which are opened from where the compiler put them. Nothing is minified, and each module is under
// its name, so that an error says where it comes from. What the declarations say is not said again, and all is ASCII: V8 holds a
// text that has one letter beyond Latin-1 with two bytes for each.
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

/** The rooms with one door, whose modules nobody else loads into the same thread. */
export const bundledRooms = ["graph", "native", "export", "train", "measure"];

const folder = "bundle";
/** When this file was. */
const written = statSync(fileURLToPath(import.meta.url)).mtimeMs;

const distOf = (room) => fileURLToPath(new URL(`../${room}/dist`, import.meta.url));

/** Writes the bundle of a room's modules, of which index.js is the door, where it is older than one of them or than what is written here. */
export async function bundleRoom(room, dist = distOf(room)) {
  const place = join(dist, folder);
  const index = join(place, "index.js");
  if (existsSync(index) && statSync(index).mtimeMs > Math.max(newest(dist), written)) return;
  const bundle = await rolldown({
    cwd: dist,
    input: "./index.js",
    platform: "node",
    external: (id) => !/^[./]|^[A-Za-z]:/.test(id),
    plugins: [inPlace(dist), ascii],
  });
  const { output } = await bundle.write({
    dir: place,
    format: "esm",
    comments: { annotation: true, jsdoc: false, legal: true },
  });
  await bundle.close();
  const names = new Set(output.map(({ fileName }) => fileName));
  for (const name of readdirSync(place)) if (!names.has(name)) rmSync(join(place, name));
}

/** What tests do first, so that they see what the compiler wrote last. */
export async function setup() {
  for (const room of bundledRooms) await bundleRoom(room);
}

/** When a module of a room was written last. */
function newest(dist) {
  const modules = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".js") && !name.startsWith(folder + sep) && !name.endsWith(".door.js"),
  );
  return Math.max(...modules.map((name) => statSync(join(dist, name)).mtimeMs));
}

/** Modules go on to find files from where they lay. */
const inPlace = (dist) => ({
  name: "in-place",
  transform(code, id) {
    if (!code.includes("import.meta.url")) return null;
    const place = relative(join(dist, folder), id).split(sep).join("/");
    return { code: code.replaceAll("import.meta.url", `new URL("${place}", import.meta.url).href`), map: null };
  },
});

/** Letters beyond ASCII, which stand in strings, templates and patterns, by their escapes. */
const ascii = {
  name: "ascii",
  generateBundle(_, files) {
    for (const file of Object.values(files))
      if (file.type === "chunk") file.code = file.code.replace(/[^\0-\x7f]/g, escaped);
  },
};

const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
