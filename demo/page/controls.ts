// Buttons, keys and the cards of the symbols: what each of them does.
import { byId, el, icon } from "./dom.ts";
import type { Drawings } from "./drawings.ts";
import { showTheme } from "./labels.ts";
import type { Place } from "./model.ts";
import { pause } from "./pad.ts";
import type { Page } from "./page.ts";
import { switchTheme } from "./preferences.ts";
import type { ShelfEvents } from "./shelf.ts";

/** @param page the page, which is asked for when something happens */
export function shelfEvents(page: () => Page): ShelfEvents {
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

async function rename(page: Page, label: string, to: string): Promise<void> {
  await page.change(async (model) => {
    if (to === "" || to === label) return undefined;
    if (model.class(to)) return (words) => [words.taken(to), ""];
    await model.rename(label, to);
    if (page.mode.kind === "teach" && page.mode.as === label) page.mode = { kind: "teach", as: to };
    return (words) => [words.renamed, "", to];
  });
}

function undo(page: Page): void {
  void page.change(async (model) => {
    if (!model.canUndo) return undefined;
    await model.undo();
    page.wipe();
    return (words) => [words.undone, ""];
  });
}

function save(page: Page): void {
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

async function load(page: Page): Promise<void> {
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

function restart(page: Page): void {
  void page.change((model) => {
    model.restart();
    page.mode = { kind: "teach", as: null };
    page.wipe();
    return (words) => [words.first, words.firstMore];
  });
}

function themeChanged(page: Page): void {
  showTheme();
  page.pad.ink.refresh();
}

export function prepareControls(page: Page, drawings: Drawings): void {
  const on = (id: string, action: () => void): void => byId(id).addEventListener("click", action);
  byId("lock").replaceWith(icon("lock"));
  // Its keys are its own: screen readers hand them through.
  byId("pad").setAttribute("role", "application");
  byId("pad-frame").style.setProperty("--pause", `${pause}ms`);
  on("draw", () => void drawings.drawOne());
  on("done", () => page.pad.finish());
  on("clear", () => page.wipe());
  on("teach-this", () => drawings.choose(null));
  on("undo", () => undo(page));
  on("save", () => save(page));
  on("load", () => byId("file").click());
  byId("file").addEventListener("change", () => void load(page));
  on("restart", () => restart(page));
  on("theme", () => {
    switchTheme();
    themeChanged(page);
  });
  on("language", () => page.switchLanguage());
  byId("mode-teach").addEventListener("change", () => page.setMode({ kind: "teach", as: null }));
  byId("mode-try").addEventListener("change", () => page.setMode({ kind: "try" }));
  const provider = byId<HTMLSelectElement>("provider");
  provider.addEventListener("change", () => void page.moveTo(provider.value as Place));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => themeChanged(page));
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement && event.target.type === "text";
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === "z" && !typing) {
      event.preventDefault();
      undo(page);
    }
  });
}
