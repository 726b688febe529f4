// The models of a bundle, each opened at its first use; after a device was lost they are opened anew.
import { type BundleFile, InnerloopError } from "@innerloop/schemas/bundle";
import type { Bundle } from "./bundle.ts";
import type { Later, ModelOptions } from "./compact.ts";
import { type ProviderChoice, withoutDevice } from "./providers.ts";
import type { ModelSession } from "./session.ts";

/** What a Learner and its Personals run on. */
export class Models {
  readonly #bundle: Bundle;
  readonly #options: ModelOptions;
  readonly #later: Later;
  #provider: ProviderChoice;
  #sessions = new Map<BundleFile, Promise<ModelSession>>();

  /** @param provider what {@link chooseProvider} made of the options */
  constructor(bundle: Bundle, provider: ProviderChoice, options: ModelOptions, later: Later) {
    this.#later = later;
    this.#bundle = bundle;
    this.#options = options;
    this.#provider = provider;
  }

  /** Where they run now. */
  get provider(): ProviderChoice {
    return this.#provider;
  }

  /**
   * The session of one of them; an attempt that failed may be made again. When its run fails with `device-lost`, the next
   * call opens another: on the processor where `auto` chose the provider, else on the same. Where the provider refuses the
   * variant of adapt.onnx that was written for it, the portable one runs, and `provider.reason` says so.
   */
  session(file: BundleFile): Promise<ModelSession> {
    const sessions = this.#sessions;
    const opened = sessions.get(file);
    if (opened !== undefined) return opened;
    const { models, portable, beside } = this.#bundle;
    const open = async (model: Uint8Array) =>
      (await this.#later()).openModelOf(file, model, {
        ...this.#options,
        provider: this.#provider,
        beside,
        apart: "query_x",
      });
    const refused = async (cause: unknown) => {
      const model = await portable[file]?.();
      if (!model) throw cause;
      const chosen = this.#provider;
      this.#provider = { ...chosen, reason: `${chosen.reason}, but it refuses its own ${file}` };
      return open(model);
    };
    const opening = open(models[file])
      .catch(refused)
      .then(
        (session): ModelSession => ({
          ...session,
          run: (feeds, fetches) =>
            session.run(feeds, fetches).catch((cause: unknown) => {
              if (cause instanceof InnerloopError && cause.code === "device-lost") this.#giveUp(sessions);
              throw cause;
            }),
        }),
      );
    sessions.set(file, opening);
    opening.catch(() => sessions.delete(file));
    return opening;
  }

  async dispose(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).dispose();
  }

  #giveUp(sessions: Map<BundleFile, Promise<ModelSession>>): void {
    if (sessions !== this.#sessions) return;
    this.#sessions = new Map();
    if ((this.#options.provider ?? "auto") === "auto") this.#provider = withoutDevice(this.#provider);
    // What cannot be freed went with its device.
    for (const session of sessions.values()) session.then((open) => open.dispose()).catch(() => undefined);
  }
}
