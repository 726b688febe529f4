// Reading whole files over HTTP, for every host: a transfer that breaks off, a page that is missing and an origin that
// does not answer are told apart, since each asks something else of its reader.
import { InnerloopError } from "@innerloop/schemas/bundle";
import { concatenate } from "../bytes.ts";
import type { Bounds } from "../host.ts";
import { tooLarge } from "../refusal.ts";

/** As {@link Host.read}, from an `http:` or `https:` URL, or whatever else `fetch` takes. */
export async function readUrl(url: string, what: string, { limit, signal }: Bounds): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url, { signal: signal ?? null });
  } catch (cause) {
    throw new InnerloopError(
      "file-unreachable",
      `${url}: ${what} cannot be fetched (${reasonOf(cause)}); check the address and the network, and, where it is on ` +
        "another origin than the page, that its server sends Access-Control-Allow-Origin",
      { cause },
    );
  }
  const { ok, status, headers } = response;
  // React Native gives no stream.
  const reader = response.body?.getReader();
  // What the connection carries is not the file itself where it is compressed on its way.
  const expected = headers.get("content-encoding") ? null : headers.get("content-length");
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    if (!ok)
      throw new InnerloopError(
        status === 404 || status === 410 ? "file-missing" : "file-unreadable",
        `${url}: the server answers ${status}; ${what} was expected; check the address`,
      );
    if (Number(expected) > limit) throw tooLarge(url, what, expected!, limit);
    if (reader === undefined) {
      parts.push(new Uint8Array(await response.arrayBuffer()));
      length = parts[0]!.length;
    }
    for (let part = await reader?.read(); part?.value && length <= limit; part = await reader?.read()) {
      parts.push(part.value);
      length += part.value.length;
    }
    if (length <= limit) return concatenate(parts);
    throw tooLarge(url, what, `more than ${limit}`, limit);
  } catch (cause) {
    reader?.cancel().catch(() => undefined);
    if (cause instanceof InnerloopError) throw cause;
    throw new InnerloopError(
      "file-cut-short",
      `${url}: it was cut short: the connection ended after ${length}${expected ? ` of ${expected}` : ""} bytes; load it again`,
      { cause },
    );
  }
}

/**
 * The URL of a file in what is a folder's URL, with or without a slash at its end; its query stays.
 *
 * @param base what a relative URL is relative to
 * @throws InnerloopError `bad-option` for text that is no URL
 */
export function urlWithin(folder: string | URL, file: string, base?: string): string {
  let url: URL;
  try {
    url = new URL(folder, base);
  } catch (cause) {
    throw new InnerloopError("bad-option", `"${folder}" was given; a bundle's URL was expected; write it in full`, {
      exitStatus: 2,
      cause,
    });
  }
  url.pathname = url.pathname.replace(/\/?$/, `/${file}`);
  return url.href;
}

/** Fails for a host that has no files. */
export async function writeNothing(place: string | URL): Promise<never> {
  throw new InnerloopError(
    "write-failed",
    `${place}: nothing was written: there are no files here; keep the bytes that toBytes() gives`,
  );
}

function reasonOf(cause: unknown): string {
  const inner = (cause as Error).cause;
  return inner instanceof Error && inner.message !== "" ? inner.message : (cause as Error).message;
}
