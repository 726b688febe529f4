// The host React Native: onnxruntime-react-native, and bundles from URLs; an app that keeps files gives their bytes.
import { InnerloopError } from "@innerloop/schemas/bundle";
import type { Host } from "./host.ts";
import { readUrl, urlWithin, writeNothing } from "./http.ts";
import { sha256 } from "./sha256.ts";

export const host: Host = {
  remote: false,
  automatic: ["cpu"],
  named: ["coreml"],
  load,
  async missing(provider) {
    const backends = (await load()).listSupportedBackends();
    if (backends.some(({ name }) => name === provider)) return undefined;
    return `onnxruntime-react-native has no ${provider} provider on this device`;
  },
  unwanted: () => undefined,
  remedy: () => "install onnxruntime-react-native again and rebuild the app",
  settings: (provider, { threads = 0 }) => ({ executionProviders: [provider], intraOpNumThreads: threads }),
  within: (folder, file) => urlWithin(folder, file),
  exists: async () => true,
  read: (place, what, bounds) => readUrl(String(place), what, bounds),
  write: writeNothing,
  sha256: async (bytes) => sha256(bytes),
};

async function load() {
  try {
    return await import("onnxruntime-react-native");
  } catch (cause) {
    throw new InnerloopError(
      "onnxruntime-missing",
      `onnxruntime-react-native could not be loaded (${(cause as Error).message}); it runs the models; ` +
        "install it: npm install onnxruntime-react-native",
      { cause },
    );
  }
}
