// A GPU drawn in software, for machines without one: Vulkan by SwiftShader, which comes with Chromium.
import { existsSync, readdirSync } from "node:fs";

const places = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
  "/usr/lib64/chromium-browser/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
  "/snap/chromium/current/usr/lib/chromium-browser/vk_swiftshader_icd.json",
];

const hasGpu = (): boolean =>
  existsSync("/dev/nvidia0") ||
  existsSync("/dev/dxg") ||
  (existsSync("/dev/dri") && readdirSync("/dev/dri").some((name) => name.startsWith("renderD")));

/** Lets Vulkan find SwiftShader, where Linux has no GPU and nobody chose a driver; says what it did. */
export function useSoftwareGpu(): string | undefined {
  const chosen = process.env.VK_ICD_FILENAMES ?? process.env.VK_DRIVER_FILES;
  if (process.platform !== "linux" || chosen !== undefined || hasGpu()) return undefined;
  const found = places.find((place) => existsSync(place));
  if (found === undefined) return undefined;
  process.env.VK_ICD_FILENAMES = found;
  return `There is no GPU here; WebGPU runs in software, by ${found} (VK_ICD_FILENAMES names another driver).`;
}
