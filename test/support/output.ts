// What commands say that run in the process of a test.
import { afterEach, beforeEach, vi } from "vitest";

/** What was written to stdout and stderr since a test began, or since it was emptied; nothing of it is shown. */
export function heardOutput(): { said: string } {
  const output = { said: "" };
  beforeEach(() => {
    output.said = "";
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, "write").mockImplementation((text) => {
        output.said += text;
        return true;
      });
  });
  afterEach(() => void vi.restoreAllMocks());
  return output;
}
