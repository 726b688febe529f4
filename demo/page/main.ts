// Where the page starts: which bundles there are, and the page of the way to record that somebody turns to.
import type { PageBundle, Way } from "../fits.ts";
import { prepareControls, type Shown } from "./controls.ts";
import { byId } from "./dom.ts";
import { openPage } from "./open.ts";
import { applyRememberedTheme, initialLanguage, keepLanguage } from "./preferences.ts";
import { Tabs } from "./tabs.ts";
import { type Language, languages } from "./words.ts";

const opened = new Map<Way, Promise<Shown>>();
let shown: Shown | undefined;
let language: Language = initialLanguage();

async function start(): Promise<void> {
  applyRememberedTheme();
  const bundles: readonly PageBundle[] = await (await fetch("bundles.json")).json();
  const tabs = new Tabs(bundles, (bundle) => void turnTo(bundle, tabs).catch(fail));
  prepareControls(
    () => shown,
    () => {
      language = language === "en" ? "zh" : "en";
      keepLanguage(language);
      tabs.speak(language);
      shown?.page.speakLanguage(language);
    },
  );
  tabs.speak(language);
  tabs.turn();
}

async function turnTo(bundle: PageBundle, tabs: Tabs): Promise<void> {
  const { way } = bundle;
  const opening = opened.get(way) ?? openPage[way](bundle, language);
  opened.set(way, opening);
  const next = await opening;
  // Whoever turned to yet another one meanwhile sees that.
  if (tabs.way !== way || shown === next) return;
  shown?.page.hide();
  shown = next;
  next.page.show(language);
}

/** A part of the page could not be fetched. */
function fail({ message }: Error): void {
  byId("headline").textContent = languages[language].failed;
  byId("subline").textContent = message;
}

start().catch(fail);
