import { rfc3339Nano } from "../../../content/timestamp.ts";
import type { ArgPair } from "../instruction.ts";
import { quote } from "../go-text.ts";
import type { DockerImage } from "./docker-image.ts";

const COMMENT = "buildkit.dockerfile.v0";
const NS_PER_SECOND = 1_000_000_000n;

/** Adds what an instruction did to the history of the image. */
export function addHistory(image: DockerImage, createdBy: string, hasLayer: boolean, epochSeconds: bigint | undefined): void {
  const created = epochSeconds === undefined ? "" : rfc3339Nano(epochSeconds * NS_PER_SECOND);
  image.history = [...image.history, { created, createdBy, author: "", comment: COMMENT, emptyLayer: !hasLayer }];
}

/** The command with the build arguments it ran under, as the classic builder wrote it: `|1 A=x /bin/sh -c …`. */
export function runText(args: readonly string[], buildArgs: readonly ArgPair[], env: ReadonlyMap<string, string>): string {
  const values = new Map(buildArgs.map(({ key, value }) => [key, env.get(key) ?? value ?? ""]));
  const shown = [...values].map(([key, value]) => `${key}=${value}`);
  return [...(shown.length === 0 ? [] : [`|${shown.length}`, ...shown]), ...args].join(" ");
}

/** Go's `%v` of texts. */
export function plainList(items: readonly string[]): string {
  return `[${items.join(" ")}]`;
}

/** Go's `%q` of texts. */
export function quotedList(items: readonly string[]): string {
  return `[${items.map(quote).join(" ")}]`;
}
