// Chromium for tests, where there is one, and a server for the pages that it opens.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { type Browser, chromium } from "playwright-core";

const places = [
  process.env.INNERLOOP_CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:/Program Files/Google/Chrome/Application/chrome.exe",
];

/** The browser's program; undefined where none is found. */
const executablePath = places.find((place) => place !== undefined && existsSync(place));

/** Why tests in a page are skipped. */
export const noChromium = executablePath ? undefined : "Chromium; INNERLOOP_CHROMIUM names one";

/**
 * Starts it; WebGPU, where it is wanted, runs on its own software renderer, so that it is there on every machine.
 *
 * @param args further ones of its command line
 */
export const launch = ({ webgpu = true, args = [] as readonly string[] } = {}): Promise<Browser> =>
  chromium.launch({
    executablePath: executablePath!,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-dev-shm-usage",
      ...(webgpu
        ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]
        : ["--disable-gpu"]),
      ...args,
    ],
  });

const types: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

/**
 * A server of folders by the first part of the path.
 *
 * @param isolated whether its pages are, so that WebAssembly may have threads
 */
export async function serve(
  folders: Readonly<Record<string, string>>,
  isolated = true,
): Promise<{ url: string; server: Server }> {
  const server = createServer(async (request, response) => {
    const [, name = "", ...rest] = normalize(decodeURIComponent(new URL(request.url!, "http://x").pathname)).split("/");
    const folder = folders[name];
    const path = join(folder ?? "", ...rest);
    const bytes =
      folder &&
      (await readFile(path.endsWith("/") || !rest.at(-1) ? join(path, "index.html") : path).catch(() => undefined));
    if (!bytes) return response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": types[rest.at(-1) ? extname(path) : ".html"] ?? "application/octet-stream",
      ...(isolated && {
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
      }),
    });
    return response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
