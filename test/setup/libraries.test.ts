// Which shared libraries a native file needs, and which of them this machine does not have.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { missingLibraries, readNativeFile } from "@innerloop/runtime/libraries";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { write } from "./fixtures.ts";

const cwd = temporaryFolder();
const place = (...parts: string[]) => join(cwd, ...parts);

describe.skipIf(process.platform !== "linux")("missing libraries", () => {
  it("are those that a native file names and the system does not have", () => {
    const own = readNativeFile(process.execPath)!;
    expect(own.arch).toBe(process.arch);
    expect(own.needs).toContain("libc.so.6");
    expect(missingLibraries(process.execPath)).toEqual([]);
    expect(missingLibraries(process.execPath, { also: ["libcudart.so.99", "libnowhere.so.7"] })).toEqual([
      { name: "libcudart.so.99", remedy: "CUDA 99" },
      { name: "libnowhere.so.7", remedy: "the package of your system that holds libnowhere.so.7" },
    ]);
    write(place("extra", "libnowhere.so.7"), "");
    expect(missingLibraries(process.execPath, { also: ["libnowhere.so.7"], folders: [place("extra")] })).toEqual([]);
  });

  it("cannot be told of other files", () => {
    expect(readNativeFile(write(place("notes.txt"), "hello"))).toBeUndefined();
    expect(readNativeFile(write(place("cut.so"), readFileSync(process.execPath).subarray(0, 100)))).toBeUndefined();
  });
});
