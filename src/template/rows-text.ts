import { DOCKER_FUNCTIONS } from "./docker-functions.ts";
import { TemplateError } from "./template-error.ts";
import { parseTemplate } from "./template.ts";

type Row = Readonly<Record<string, unknown>>;

const WIDTH_MIN = 10;
const PADDING = 3;

/** Whether a `--format` asks for columns. */
export function isTable(format: string): boolean {
  return /^(?:$|table(?:\s|$))/.test(format);
}

/**
 * A list as Docker's commands print it: a template for each row. Behind the word `table` its tabs make columns, with the names of what it shows
 * above them. `\t` and `\n` may be written in a format. Throws TemplateError.
 */
export function rowsText(format: string, head: Row, rows: readonly unknown[]): string {
  try {
    return madeText(format, head, rows);
  } catch (error) {
    throw error instanceof TemplateError ? new TemplateError(error.code, `template parsing error: ${error.message}`) : error;
  }
}

function madeText(format: string, head: Row, rows: readonly unknown[]): string {
  const [, word = "", text = ""] = /^(table\s*)?(.*)$/s.exec(format) ?? [];
  const template = parseTemplate("", text.replaceAll("\\t", "\t").replaceAll("\\n", "\n"), DOCKER_FUNCTIONS);
  const lines = [...(word === "" ? [] : [head]), ...rows].map((row) => template.execute(row));
  return word === "" ? lines.map((line) => `${line}\n`).join("") : columnsText(lines);
}

function columnsText(lines: readonly string[]): string {
  const rows = lines.join("\n").split("\n").map((line) => line.split("\t"));
  const widths = Array.from({ length: Math.max(...rows.map(({ length }) => length)) }, (_, column) => Math.max(WIDTH_MIN, ...rows.map((row) => (row[column]?.length ?? 0) + PADDING)));
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("").trimEnd()}\n`).join("");
}
