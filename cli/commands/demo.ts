// `innerloop demo`: a page where people draw symbols, make gestures or sounds, or show things to a camera, and watch a bundle
// learn them, served here or written to be put on any server.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, extname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { starterBundles } from "@innerloop/bundles";
import type { PageFile } from "@innerloop/demo";
import { InnerloopError, type Manifest, mistaken } from "@innerloop/schemas";
import { defineCommand, withoutEffect, wrongCall } from "../call/command.ts";
import { interruptible } from "../call/interrupt.ts";
import { bundleArgument, bundleAt, isAddress } from "../inputs/places.ts";
import { readListed, readManifest } from "../inputs/reading.ts";
import { kilobytes, print, resultStyle, say, style } from "../terminal/output.ts";

const defaultPort = 4630;

type PageFiles = ReadonlyMap<string, PageFile>;

export const command = defineCommand({
  name: "demo",
  summary: "open a page to try it: draw symbols, make gestures or sounds, and watch a bundle learn them in the browser",
  arguments: [
    {
      ...bundleArgument,
      optional: true,
      what: "a bundle for pictures, motions or sounds; those that are there from the start when left out",
    },
  ],
  options: {
    port: {
      type: "whole",
      what: "port to serve at; 0: any free one",
      otherwise: `${defaultPort}, or a free one`,
      least: 0,
      most: 65_535,
    },
    host: { type: "text", what: "address to serve at", otherwise: "localhost" },
    open: { type: "switch", what: "open the page in the browser" },
    build: { type: "text", what: "write the page to this folder instead, for any static server", completes: "paths" },
  },
  examples: [
    ["demo --open", "the bundle that comes with the page"],
    ["demo runs/quickstart-1/bundle", "your own"],
    ["demo --build site", "a static page to put on any server, in any folder of it"],
  ],
  async run(given, args) {
    const { port, host = "localhost", open = false, build } = given;
    if (build !== undefined)
      for (const [name, value] of Object.entries({ port, host: given.host, open: given.open }))
        if (value !== undefined)
          throw withoutEffect(`--${name}`, "with --build nothing is served", "leave out --build");
    const { pageFiles } = await import("@innerloop/demo");
    const folders = args[0] === undefined ? starterBundles.map(({ folder }) => folder) : [await givenBundle(args[0])];
    const files = await pageFiles(
      await Promise.all(folders.map(async (folder) => ({ folder, manifest: await manifestOf(folder) }))),
    );
    if (build === undefined) await serve(files, { port, host, open });
    else await write(files, build);
  },
});

/** A bundle's folder; the page is made of its files, so that they have to be here. */
async function givenBundle(given: string): Promise<string> {
  if (isAddress(given))
    throw wrongCall("bad-call", `${given} is an address; the page is made of files: give a bundle's folder.`);
  return bundleAt(given);
}

async function manifestOf(bundle: string): Promise<Manifest> {
  const manifest = await readManifest(bundle);
  for (const [name, { sha256, bytes }] of Object.entries(manifest.files)) {
    const found = await readListed(join(bundle, name), bytes);
    if (!found || createHash("sha256").update(found).digest("hex") !== sha256)
      throw new InnerloopError(
        "bundle-altered",
        (found && mistaken(found) && `${join(bundle, name)}: ${mistaken(found)}.`) ||
          `${join(bundle, name)} is ${found === undefined ? "missing" : "altered"}; the manifest knows another; copy the bundle again, or export it again.`,
      );
  }
  return manifest;
}

// --- A server --------------------------------------------------------------------------------------------------------

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

/** Isolated from other origins, a page may share memory between threads; ONNX Runtime then uses several. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-cache",
};

interface Place {
  readonly port: number | undefined;
  readonly host: string;
  readonly open: boolean;
}

async function serve(files: PageFiles, { port, host, open }: Place): Promise<void> {
  const server = serverOf(files);
  await interruptible("Stopping.", async (signal) => {
    await listen(server, port, host);
    const address = server.address() as AddressInfo;
    const shown = host.includes(":") ? `[${host}]` : host;
    const url = `http://${shown}:${address.port}/`;
    print(`${resultStyle("bold", url)}`);
    say(`Teach it a few things there. ${style("dim", "Ctrl-C ends it.")}`);
    if (open) await openBrowser(url);
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
}

/** Serves the files that are listed, and nothing else. */
function serverOf(files: PageFiles): Server {
  return createServer(async (request, response) => {
    const end = (status: number, text: string): void => {
      response.writeHead(status, { ...headers, "Content-Type": "text/plain; charset=utf-8" });
      response.end(`${text}\n`);
    };
    if (request.method !== "GET" && request.method !== "HEAD") return end(405, "This server only gives files away.");
    const path = pathOf(request.url ?? "/");
    const name = path === "" ? "index.html" : path;
    const file = name === undefined ? undefined : files.get(name);
    const size = file && (await sizeOf(file).catch(() => undefined));
    if (name === undefined || !file || size === undefined) return end(404, "There is no such file here.");
    response.writeHead(200, {
      ...headers,
      "Content-Type": types[extname(name)] ?? "application/octet-stream",
      "Content-Length": size,
    });
    if (request.method === "HEAD") response.end();
    else if ("text" in file) response.end(file.text);
    // Whichever ends first, the file or the reader's patience, both are closed.
    else await pipeline(createReadStream(file.path), response).catch(() => undefined);
  });
}

const sizeOf = async (file: PageFile): Promise<number> =>
  "text" in file ? Buffer.byteLength(file.text) : (await stat(file.path)).size;

/** A request's path without its first slash, or nothing where it cannot be read. */
function pathOf(url: string): string | undefined {
  try {
    return decodeURIComponent(url.split(/[?#]/)[0]!.slice(1));
  } catch {
    return undefined;
  }
}

/** Listens at a port; where none was asked for and the usual one is taken, at any free one. */
async function listen(server: Server, port: number | undefined, host: string): Promise<void> {
  const attempt = (at: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(at, host, () => {
        server.off("error", reject);
        resolve();
      });
    });
  try {
    await attempt(port ?? defaultPort).catch((cause: NodeJS.ErrnoException) => {
      if (port !== undefined || cause.code !== "EADDRINUSE") throw cause;
      return attempt(0);
    });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = {
      EADDRINUSE: "it is taken",
      EACCES: "it is not allowed",
      EADDRNOTAVAIL: "this machine has no such address",
    };
    throw wrongCall(
      "port-unavailable",
      `The page cannot be served at ${host}, port ${port ?? defaultPort} (${why[code as keyof typeof why] ?? message}); ` +
        "give another --port, or --port 0 for any free one.",
    );
  }
}

/** Opens an address in the browser, where there is one; the address was printed in any case. */
async function openBrowser(url: string): Promise<void> {
  const { spawn } = await import("node:child_process");
  const [command, ...args] =
    process.platform === "darwin"
      ? ["open", url]
      : process.platform === "win32"
        ? ["cmd", "/c", "start", "", url]
        : ["xdg-open", url];
  const child = spawn(command!, args, { stdio: "ignore", detached: true });
  child.on("error", () => say(`No browser could be opened; open ${url} yourself.`));
  child.unref();
}

// --- A static page ---------------------------------------------------------------------------------------------------

/** Lists the files of a page in its folder, so that a later one may replace these and no others. */
const marker = ".innerloop-demo";

async function write(files: PageFiles, folder: string): Promise<void> {
  const there: string[] = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    throw wrongCall("folder-taken", `${folder} cannot be written to (${cause.message}); give another folder.`);
  });
  if (there.length > 0 && !there.includes(marker))
    throw wrongCall(
      "folder-taken",
      `${folder} holds other files (${there.slice(0, 3).join(", ")}${there.length > 3 ? ", …" : ""}); give a new or an empty folder.`,
    );
  const { makeFolder } = await import("@innerloop/runtime/files");
  let bytes = 0;
  try {
    await makeFolder(folder);
    const before = await readFile(join(folder, marker), "utf8").catch(() => "");
    for (const path of before.split("\n")) {
      if (path !== "" && !path.includes("..")) await rm(join(folder, path), { force: true });
    }
    await writeFile(join(folder, marker), [...files.keys()].join("\n"));
    for (const [path, file] of files) {
      const target = join(folder, path);
      await makeFolder(dirname(target));
      if ("text" in file) await writeFile(target, file.text);
      else await copyFile(file.path, target);
      bytes += (await stat(target)).size;
    }
  } catch (cause) {
    throw new InnerloopError("write-failed", `${folder} could not be written (${(cause as Error).message}).`, {
      cause,
    });
  }
  print(`${resultStyle("bold", folder)}: the page, ${files.size} files, ${kilobytes(bytes)}`);
  say("Put it on any static server, over https or on localhost; it works from any folder.");
}
