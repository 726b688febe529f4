// A bundle that was opened: what a Learner and its Personals share.
import type { BundleFile } from "@innerloop/schemas/bundle";
import type { Bundle } from "./bundle.ts";
import type { Later, ModelOptions } from "./compact.ts";
import { Lifetime } from "./lifetime.ts";
import { Models } from "./models.ts";
import type { ProviderChoice } from "./providers.ts";
import type { ModelSession } from "./session.ts";

export class OpenedBundle {
  readonly bundle: Bundle;
  readonly lifetime: Lifetime;
  readonly later: Later;
  /** The parameters that adapting changes, each with the output of adapt.onnx that it comes as. */
  readonly moving: readonly (readonly [name: string, output: string])[];
  readonly #models: Models;

  constructor(bundle: Bundle, provider: ProviderChoice, options: ModelOptions, later: Later) {
    this.bundle = bundle;
    this.later = later;
    this.moving = bundle.manifest.parameters.flatMap(({ name, adapted }) =>
      adapted ? [[name, `adapted/${name}`]] : [],
    );
    this.#models = new Models(bundle, provider, options, later);
    this.lifetime = new Lifetime("this learner", () => this.#models.dispose());
  }

  get provider(): ProviderChoice {
    return this.#models.provider;
  }

  /** The session of one of the models, opened once. */
  session(file: BundleFile): Promise<ModelSession> {
    return this.#models.session(file);
  }
}
