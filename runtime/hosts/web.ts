// The host of pages and workers: onnxruntime-web, and bundles from URLs.
import { InnerloopError } from "@innerloop/schemas/bundle";
import type { HostOptions, ProviderName } from "../host.ts";
import type { Host, Ort } from "./host.ts";
import { readUrl, urlWithin, writeNothing } from "./http.ts";

export const host: Host = {
  remote: true,
  automatic: ["webgpu", "wasm"],
  named: [],
  load,
  async missing(provider) {
    if (provider === "wasm") return undefined;
    if (provider !== "webgpu") return `onnxruntime-web has no ${provider} provider`;
    const adapter = await globals.navigator?.gpu?.requestAdapter().catch(() => null);
    return adapter ? undefined : "this browser offers no WebGPU adapter";
  },
  unwanted: (provider) =>
    provider === "webgpu"
      ? "it takes longer to start than it saves for learners of this kind; ask for it by name where yours is large"
      : undefined,
  remedy: (provider) =>
    provider === "webgpu"
      ? "use a browser with WebGPU, over https or on localhost"
      : "serve the .wasm files of onnxruntime-web, and give their place as the option wasmPaths",
  settings: (provider) => ({ executionProviders: [provider] }),
  within: (folder, file) => urlWithin(folder, file, base()),
  exists: async () => true,
  read: (place, what, bounds) => readUrl(String(new URL(place, base())), what, bounds),
  pictures: () => import("./web-pictures.ts"),
  write: writeNothing,
  // A page that came without TLS has no WebCrypto; who could alter a bundle on its way could alter the page itself.
  async sha256(bytes) {
    const digest = await globalThis.crypto.subtle?.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
    return digest && Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  },
};

/** The smaller build where WebAssembly is all that is asked for. */
async function load(provider: ProviderName, { threads, wasmPaths }: HostOptions): Promise<Ort> {
  let ort: Ort;
  try {
    ort = await (provider === "webgpu" ? import("onnxruntime-web/webgpu") : import("onnxruntime-web/wasm"));
  } catch (cause) {
    throw new InnerloopError(
      "onnxruntime-missing",
      `onnxruntime-web could not be loaded (${(cause as Error).message}); it runs the models; ` +
        (inServiceWorker
          ? "build the service worker as one file, without code splitting"
          : "install it: npm install onnxruntime-web"),
      { cause },
    );
  }
  // Read by ONNX Runtime when its first session is opened.
  const { wasm } = ort.env;
  // Given a folder it imports its loader from there, too; given a file, it takes the loader that it has in itself.
  const build = `ort-wasm-simd-threaded${provider === "webgpu" ? ".asyncify" : ""}.wasm`;
  const paths = inServiceWorker && typeof wasmPaths === "string" ? { wasm: wasmPaths + build } : wasmPaths;
  if (paths !== undefined) wasm.wasmPaths = paths as NonNullable<typeof wasm.wasmPaths>;
  // Threads need shared memory, which only isolated pages have, and workers, which a service worker has none of.
  if (!globals.crossOriginIsolated || inServiceWorker) wasm.numThreads = 1;
  else if (threads !== undefined) wasm.numThreads = threads;
  return provider === "webgpu" ? takingTurns(ort) : ort;
}

/** The end of the call to ONNX Runtime on WebGPU that was made last. */
let turn: Promise<unknown> = Promise.resolve();

/** On WebGPU a call waits for the device midway, and the page hangs when another one is made meanwhile: they take turns. */
function takingTurns({ env, Tensor, InferenceSession }: Ort): Ort {
  const inTurn =
    <A extends unknown[], R>(call: (...parameters: A) => Promise<R>) =>
    (...parameters: A): Promise<R> => {
      const result = turn.then(() => call(...parameters));
      turn = result.catch(() => undefined);
      return result;
    };
  const create = inTurn(async (model: Uint8Array, options: object) => {
    const session = await InferenceSession.create(model, options);
    const [run, release] = [session.run.bind(session), session.release.bind(session)];
    return Object.assign(session, { run: inTurn(run), release: inTurn(release) });
  });
  return { env, Tensor, InferenceSession: { create } as Ort["InferenceSession"] };
}

/** What this file uses of a page's or a worker's globals. */
const globals = globalThis as {
  readonly crossOriginIsolated?: boolean;
  readonly document?: { readonly baseURI: string };
  readonly location?: { readonly href: string };
  readonly navigator?: { readonly gpu?: { requestAdapter(): Promise<object | null> } };
};

/** There, `import()` is forbidden, and no worker can be started. */
const inServiceWorker = "ServiceWorkerGlobalScope" in globals;

/** What relative URLs are relative to. */
function base(): string | undefined {
  return globals.document?.baseURI ?? globals.location?.href;
}
