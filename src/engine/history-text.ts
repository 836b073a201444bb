import type { HistoryOrigin, HistoryPart } from "../frontend/dockerfile/convert/docker-image.ts";

/** `ARG A=x`, `ENV A=x B=y`, `RUN |2 A=x B=y /bin/sh -c …`: where variables stand in a text that only has to be read. */
const VARIABLES = /^(?<keyword>(?:ARG|ENV|LABEL) |RUN \|(?<count>\d{1,4}) )(?<rest>.*)$/s;
const VARIABLE = /(?<![^\s])(?<name>[A-Za-z_][\w.-]*)=(?<value>(?:(?!\s+[A-Za-z_][\w.-]*=).)*)/gs;
const VARIABLE_OF_RUN = /(?<name>[A-Za-z_]\w*)=(?<value>[^\s]*) ?/y;

/**
 * The parts of an entry whose maker does not tell them: of a base image, or of a frontend in a container. A value with blanks cannot be
 * told from what follows it; of a RUN, it ends at the first one.
 */
export function readHistoryText(text: string): Pick<HistoryOrigin, "parts" | "withoutArgs"> {
  const { keyword, count, rest = "" } = VARIABLES.exec(text)?.groups ?? {};
  if (keyword === undefined) return { parts: [text], withoutArgs: text };
  if (count !== undefined) return readRun(text, { keyword, count: Number(count), rest });
  const parts = readVariables(rest);
  const names = parts.map((part) => (typeof part === "string" ? part : part.name)).join("");
  return { parts: [keyword, ...parts], withoutArgs: keyword === "ARG " ? keyword + names : text };
}

function readRun(text: string, { keyword, count, rest }: { readonly keyword: string; readonly count: number; readonly rest: string }): Pick<HistoryOrigin, "parts" | "withoutArgs"> {
  const parts: HistoryPart[] = [keyword];
  VARIABLE_OF_RUN.lastIndex = 0;
  let end = 0;
  for (let i = 0; i < count; i++) {
    const { name, value = "" } = VARIABLE_OF_RUN.exec(rest)?.groups ?? {};
    if (name === undefined) return { parts: [text], withoutArgs: text };
    end = VARIABLE_OF_RUN.lastIndex;
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
