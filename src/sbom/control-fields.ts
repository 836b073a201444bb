/** One paragraph: field names in lower case, as they are compared; values with the line breaks of their continuation lines. */
export type ControlFields = ReadonlyMap<string, string>;

/** Paragraphs of fields as Debian writes them (deb822(5)). Lines that are neither a field nor a continuation say nothing. */
export function parseControl(text: string): ControlFields[] {
  return text.split(/\r?\n(?:[ \t]*\r?\n)+/).map(parseParagraph).filter((fields) => fields.size > 0);
}

function parseParagraph(text: string): ControlFields {
  const fields = new Map<string, string>();
  let name: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const start = /^([!-9;-~]+):[ \t]*(.*)$/.exec(line);
    if (start !== null) {
      name = (start[1] ?? "").toLowerCase();
      fields.set(name, (start[2] ?? "").trimEnd());
    } else if (name !== undefined && /^[ \t]/.test(line)) {
      fields.set(name, `${fields.get(name)}\n${line.slice(1).trimEnd()}`);
    }
  }
  return fields;
}
