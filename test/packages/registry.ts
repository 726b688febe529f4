// A registry of npm packages for one test: ours are the tarballs that were just packed, all others are npm's own.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import type { Packed } from "./pack.ts";

export interface Registry {
  /** The address to install from. */
  readonly url: string;
  close(): void;
}

/** Serves the packed rooms beside what `upstream` has. */
export async function serveRegistry(packed: readonly Packed[], upstream: string): Promise<Registry> {
  const tarballs = new Map(packed.map(({ tarball }) => [`/tarballs/${basename(tarball)}`, readFileSync(tarball)]));
  const server = createServer(({ url = "", headers }, response) => {
    const bytes = tarballs.get(url);
    if (bytes) return response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes);
    const name = decodeURIComponent(url.slice(1));
    const ours = packed.find(({ description }) => description.name === name);
    if (!ours) return response.writeHead(302, { location: new URL(url.slice(1), upstream).href }).end();
    const { description, tarball } = ours;
    const file = `/tarballs/${basename(tarball)}`;
    const digest = (kind: string, encoding: "hex" | "base64") =>
      createHash(kind).update(tarballs.get(file)!).digest(encoding);
    const dist = {
      tarball: `http://${headers.host}${file}`,
      shasum: digest("sha1", "hex"),
      integrity: `sha512-${digest("sha512", "base64")}`,
    };
    // Older than what package managers hold back for being new.
    const then = "2020-01-01T00:00:00.000Z";
    const document = {
      name,
      "dist-tags": { latest: description.version },
      versions: { [description.version]: { ...description, dist } },
      time: { created: then, modified: then, [description.version]: then },
    };
    return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
