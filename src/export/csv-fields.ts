import { ExportError } from "./error.ts";

/**
 * The fields of one CSV record, as `--output` and its kin take them: a field may be quoted as a
 * whole (`"name=a,b"`), and a quote within is doubled.
 */
export function csvFields(text: string): string[] {
  const fields: string[] = [];
  let rest = text;
  for (;;) {
    const match = /^(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/s.exec(rest);
    if (match === null) throw new ExportError("usage", `invalid value ${JSON.stringify(text)}: parse error: bare " in a field that is not quoted`);
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === "") return fields;
    rest = rest.slice(match[0].length);
  }
}
