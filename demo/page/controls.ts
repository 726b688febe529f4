// Buttons, keys and the cards of the symbols: what each of them does, on the page that is shown.
import { byId, el, icon } from "./dom.ts";
import { showTheme } from "./labels.ts";
import type { Place } from "./model.ts";
import type { Page } from "./page.ts";
import { switchTheme } from "./preferences.ts";
import type { Recordings } from "./recordings.ts";
import type { ShelfEvents } from "./shelf.ts";

/** @param page the page, which is asked for when something happens */
export function shelfEvents<R>(page: () => Page<R>): ShelfEvents {
  const remove = (which: string) =>
    void page().change(async (model) => {
      await model.remove(which);
      return (words) => [words.removed, ""];
    });
  return {
    onNew: () => page().setMode({ kind: "teach", as: null }),
    onAdd: (label) => page().setMode({ kind: "teach", as: label }),
    onRename: (label, to) => void rename(page(), label, to),
    onRemove: remove,
    onRemoveExample: remove,
  };
}

async function rename<R>(page: Page<R>, label: string, to: string): Promise<void> {
  await page.change(async (model) => {
    if (to === "" || to === label) return undefined;
    if (model.class(to)) return (words) => [words.taken(to), ""];
    await model.rename(label, to);
    if (page.mode.kind === "teach" && page.mode.as === label) page.mode = { kind: "teach", as: to };
    return (words) => [words.renamed, "", to];
  });
}

function undo(page: Shown["page"]): void {
  void page.change(async (model) => {
    if (!model.canUndo) return undefined;
    await model.undo();
    page.wipe();
    return (words) => [words.undone, ""];
  });
}

function save(page: Shown["page"]): void {
  void page.change(async (model) => {
    download(await model.save());
    return (words) => [words.saved, ""];
  });
}

function download(bytes: Uint8Array): void {
  const address = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  el("a", { href: address, download: "my-symbols.safetensors" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

async function load(page: Shown["page"]): Promise<void> {
  const input = byId<HTMLInputElement>("file");
  const [file] = input.files ?? [];
  if (!file) return;
  await page.change(async (model) => {
    await model.load(new Uint8Array(await file.arrayBuffer()), file.name);
    page.wipe();
    page.mode = model.ready ? { kind: "try" } : { kind: "teach", as: null };
    const count = model.classes.length;
    return (words) => [words.fileLoaded(count), words.fileLoadedMore];
  });
  input.value = "";
}

function restart(page: Shown["page"]): void {
  void page.change((model) => {
    model.restart();
    page.mode = { kind: "teach", as: null };
    page.wipe();
    return (words) => [words.first, words.firstMore];
  });
}

function themeChanged(page: Shown["page"]): void {
  showTheme();
  page.recorder.refresh();
}

/** The page that is shown, of whatever kind of recordings, and what becomes of these. */
export interface Shown {
  readonly page: Page<unknown>;
  readonly recordings: Recordings<unknown>;
}

/**
 * @param shown asked for when something happens
 * @param switchLanguage puts the page into the other language
 */
export function prepareControls(shown: () => Shown | undefined, switchLanguage: () => void): void {
  const withPage = (action: (page: Shown["page"], recordings: Shown["recordings"]) => void): void => {
    const now = shown();
    if (now) action(now.page, now.recordings);
  };
  const listen = (target: EventTarget, event: string, action: Parameters<typeof withPage>[0]): void =>
    target.addEventListener(event, () => withPage(action));
  const on = (id: string, action: Parameters<typeof withPage>[0]): void => listen(byId(id), "click", action);
  byId("lock").replaceWith(icon("lock"));
  on("draw", (_, recordings) => void recordings.makeOne());
  on("done", (page) => page.recorder.finish());
  on("clear", (page) => page.wipe());
  on("teach-this", (_, recordings) => recordings.choose(null));
  on("undo", undo);
  on("save", save);
  on("load", () => byId("file").click());
  listen(byId("file"), "change", (page) => void load(page));
  on("restart", restart);
  on("theme", (page) => {
    switchTheme();
    themeChanged(page);
  });
  byId("language").addEventListener("click", switchLanguage);
  listen(byId("mode-teach"), "change", (page) => page.setMode({ kind: "teach", as: null }));
  listen(byId("mode-try"), "change", (page) => page.setMode({ kind: "try" }));
  const provider = byId<HTMLSelectElement>("provider");
  listen(provider, "change", (page) => void page.moveTo(provider.value as Place));
  listen(matchMedia("(prefers-color-scheme: dark)"), "change", themeChanged);
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement && event.target.type === "text";
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === "z" && !typing) {
      event.preventDefault();
      withPage(undo);
    }
  });
}
