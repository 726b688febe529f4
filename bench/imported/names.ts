// Networks of PyTorch by their names.
import { among } from "../flags.ts";

/** What `networks.py` makes. */
export const importedNetworks = [
  "lenet",
  "resnet18",
  "mobilenet-like",
  "vit-tiny",
  "distilbert-shaped",
  "lstm-tagger",
  "gru-2",
] as const;

/** What `others.py` makes, of other kinds. */
export const otherNetworks = [
  "unet",
  "efficientnet-like",
  "densenet-like",
  "convnext-like",
  "decoder-like",
  "swin-like",
  "mixer-like",
  "temporal",
  "lstm-both-ways",
  "conformer-like",
] as const;

/** Networks as a flag names them. @param text `all`, `none`, or some of the first ones */
export function networksOf(text: string): readonly string[] {
  if (text === "none") return [];
  return text === "all" ? importedNetworks : among("networks", text, importedNetworks);
}

/** The same of all networks. @param text `others`, or some of all */
export const anyNetworks = (text: string): readonly string[] =>
  text === "others" ? otherNetworks : among("networks", text, [...importedNetworks, ...otherNetworks]);
