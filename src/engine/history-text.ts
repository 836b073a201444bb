import type { HistoryOrigin, HistoryPart } from "../frontend/dockerfile/convert/docker-image.ts";

/** `ARG A=x`, `ENV A=x B=y`, `RUN |2 A=x B=y /bin/sh -c …`: where variables stand in a text that only has to be read. */
const VARIABLES = /^(?<keyword>(?:ARG|ENV|LABEL) |RUN \|(?<count>\d{1,4}) )(?<rest>.*)$/s;
const VARIABLE = /(?<![^\s])(?<name>[A-Za-z_][\w.-]*)=(?<value>(?:(?!\s+[A-Za-z_][\w.-]*=).)*)/gs;
const VARIABLE_OF_RUN = /(?<name>[A-Za-z_]\w*)=(?<value>[^\s]*) ?/y;

/**
 * Reads the entries of one history, in their order, whose makers do not tell their parts: of a base image, or of a frontend in a
 * container. A value with blanks cannot be told from what follows it, unless an entry before has it: of a RUN, it ends at the first one.
 */
export class HistoryReader {
  /** As ARG and ENV told last. */
  readonly #values = new Map<string, string>();

  read(text: string): Pick<HistoryOrigin, "parts" | "withoutArgs"> {
    const read = readHistoryText(text, this.#values);
    if (/^(?:ARG|ENV) /.test(text)) for (const part of read.parts) if (typeof part !== "string") this.#values.set(part.name, part.value);
    return read;
  }
}

function readHistoryText(text: string, values: ReadonlyMap<string, string>): Pick<HistoryOrigin, "parts" | "withoutArgs"> {
  const { keyword, count, rest = "" } = VARIABLES.exec(text)?.groups ?? {};
  if (keyword === undefined) return { parts: [text], withoutArgs: text };
  if (count !== undefined) return readRun(text, { keyword, count: Number(count), rest }, values);
  const parts = readVariables(rest);
  const names = parts.map((part) => (typeof part === "string" ? part : part.name)).join("");
  return { parts: [keyword, ...parts], withoutArgs: keyword === "ARG " ? keyword + names : text };
}

function readRun(text: string, { keyword, count, rest }: { readonly keyword: string; readonly count: number; readonly rest: string }, values: ReadonlyMap<string, string>): Pick<HistoryOrigin, "parts" | "withoutArgs"> {
  const parts: HistoryPart[] = [keyword];
  let end = 0;
  for (let i = 0; i < count; i++) {
    VARIABLE_OF_RUN.lastIndex = end;
    const { name, value: word = "" } = VARIABLE_OF_RUN.exec(rest)?.groups ?? {};
    if (name === undefined) return { parts: [text], withoutArgs: text };
    const told = values.get(name);
    const value = told !== undefined && rest.startsWith(`${told} `, end + name.length + 1) ? told : word;
    end += name.length + value.length + 2;
    parts.push({ name, value }, " ");
  }
  const command = rest.slice(end);
  return { parts: [...parts, command], withoutArgs: `RUN ${command}` };
}

function readVariables(text: string): readonly HistoryPart[] {
  const parts: HistoryPart[] = [];
  let at = 0;
  for (const { 0: whole, index, groups = {} } of text.matchAll(VARIABLE)) {
    parts.push(text.slice(at, index), { name: groups["name"] ?? "", value: groups["value"] ?? "" });
    at = index + whole.length;
  }
  return [...parts, text.slice(at)];
}
