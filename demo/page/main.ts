// Where the page starts: its parts are made and told of each other.
import { prepareControls, shelfEvents } from "./controls.ts";
import { Drawings } from "./drawings.ts";
import { Page } from "./page.ts";
import { applyRememberedTheme } from "./preferences.ts";
import { samples } from "./samples.ts";

const page: Page = new Page({
  pad: {
    onChange: (drawing) => void drawings.grows(drawing),
    onDone: (drawing) => void drawings.isDone(drawing),
  },
  shelf: shelfEvents(() => page),
  onChoose: (label) => drawings.choose(label),
});
const drawings = new Drawings(page);

applyRememberedTheme();
prepareControls(page, drawings);
page.speakLanguage();
page.pad.ink.invite(samples[0]!);
