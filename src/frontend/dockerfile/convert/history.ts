import { rfc3339Nano } from "../../../content/timestamp.ts";
import type { ArgPair, Instruction, KeyValue } from "../instruction.ts";
import { quote } from "../go-text.ts";
import type { DockerImage, HistoryOrigin, HistoryPart } from "./docker-image.ts";

const COMMENT = "buildkit.dockerfile.v0";
const NS_PER_SECOND = 1_000_000_000n;

/** What an entry says, before its lines are known. */
export type HistoryText = Pick<HistoryOrigin, "parts" | "withoutArgs">;

/** Adds what an instruction did to the history of the image. */
export function addHistory(image: DockerImage, said: string | HistoryText, hasLayer: boolean, epochSeconds: bigint | undefined): void {
  const created = epochSeconds === undefined ? "" : rfc3339Nano(epochSeconds * NS_PER_SECOND);
  const text = typeof said === "string" ? plainText([said]) : said;
  const createdBy = textOf(text.parts);
  image.history.push({ created, createdBy, author: "", comment: COMMENT, emptyLayer: !hasLayer, origin: { ...text, location: [] } });
}

/** An entry in which a value of a build argument can only stand where a variable stood for it. */
export function plainText(parts: readonly HistoryPart[]): HistoryText {
  return { parts, withoutArgs: textOf(parts) };
}

/** `A=x B=y`. */
export function pairParts(pairs: readonly KeyValue[]): readonly HistoryPart[] {
  return pairs.flatMap(({ key, value }, i): readonly HistoryPart[] => [...(i === 0 ? [] : [" "]), { name: key, value }]);
}

/** The command with the build arguments it ran under, as the classic builder wrote it: `|1 A=x /bin/sh -c …`. */
export function runText(args: readonly string[], buildArgs: readonly ArgPair[], env: ReadonlyMap<string, string>): HistoryText {
  const values = new Map(buildArgs.map(({ key, value }) => [key, env.get(key) ?? value ?? ""]));
  const shown = [...values].flatMap(([name, value]): readonly HistoryPart[] => [{ name, value }, " "]);
  const command = `${args.join(" ")} # buildkit`;
  return { parts: ["RUN ", ...(shown.length === 0 ? [] : [`|${values.size} `, ...shown]), command], withoutArgs: `RUN ${command}` };
}

function textOf(parts: readonly HistoryPart[]): string {
  return parts.map((part) => (typeof part === "string" ? part : `${part.name}=${part.value}`)).join("");
}

/** Go's `%v` of texts. */
export function plainList(items: readonly string[]): string {
  return `[${items.join(" ")}]`;
}

/** Go's `%q` of texts. */
export function quotedList(items: readonly string[]): string {
  return `[${items.map(quote).join(" ")}]`;
}

/** Instructions of which the history tells what their variables stood for. */
const TOLD_EXPANDED: ReadonlySet<Instruction["kind"]> = new Set(["add", "copy", "env", "expose", "label", "stopsignal", "user", "volume", "workdir"]);

/** How the history can name an instruction without telling what its variables stood for; undefined where it has none. A directory may begin with what an earlier one stood for. */
export function expandedSource({ kind, name, original, ...instruction }: Instruction): string | undefined {
  const isRelative = kind === "workdir" && "path" in instruction && !instruction.path.startsWith("/");
  if (!TOLD_EXPANDED.has(kind) || !(original.includes("$") || isRelative)) return undefined;
  return `${kind.toUpperCase()}${original.slice(name.length)}${kind === "add" || kind === "copy" ? " # buildkit" : ""}`;
}
