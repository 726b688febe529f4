// Makes the page of a kind of recordings, with all that belongs to it, when somebody first turns to it.
import type { PageBundle, Way } from "../fits.ts";
import { type Shown, shelfEvents } from "./controls.ts";
import type { Kind } from "./kinds/kind.ts";
import { Page } from "./page.ts";
import { Recordings } from "./recordings.ts";
import type { Language } from "./words.ts";

/** A page for each way to record; what only one of them needs is fetched with it. */
export const openPage: Readonly<Record<Way, (bundle: PageBundle, language: Language) => Promise<Shown>>> = {
  draw: async (bundle, language) => pageOf(bundle, (await import("./kinds/draw/index.ts")).kind(bundle), language),
  gesture: async (bundle, language) =>
    pageOf(bundle, (await import("./kinds/gesture/index.ts")).kind(bundle), language),
  sound: async (bundle, language) => pageOf(bundle, (await import("./kinds/sound/index.ts")).kind(bundle), language),
  camera: async (bundle, language) => pageOf(bundle, (await import("./kinds/camera/index.ts")).kind(bundle), language),
};

function pageOf<R>(bundle: PageBundle, kind: Kind<R>, language: Language): Shown {
  const page: Page<R> = new Page(bundle, kind, language, {
    recorder: {
      onChange: (recording) => void recordings.grows(recording),
      onDone: (recording) => void recordings.isDone(recording),
    },
    shelf: shelfEvents(() => page),
    onChoose: (label) => recordings.choose(label),
  });
  const recordings = new Recordings(page);
  return { page, recordings };
}
