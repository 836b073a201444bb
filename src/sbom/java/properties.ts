/** Main attributes of a manifest (JAR file specification): names in lower case. */
export function parseManifest(bytes: Uint8Array): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  let name = "";
  for (const line of Buffer.from(bytes).toString("utf8").split(/\r\n|\n|\r/)) {
    if (line === "") {
      if (attributes.size > 0) break;
      continue;
    }
    const colon = line.indexOf(":");
    if (line.startsWith(" ")) {
      if (name !== "") attributes.set(name, `${attributes.get(name)}${line.slice(1)}`);
    } else if (colon > 0) {
      name = line.slice(0, colon).toLowerCase();
      attributes.set(name, line.slice(colon + 1).trimStart());
    }
  }
  return attributes;
}

/** A file of properties (java.util.Properties), as Maven writes them: without lines that go on. */
export function parseProperties(bytes: Uint8Array): ReadonlyMap<string, string> {
  const lines = Buffer.from(bytes).toString("latin1").split(/\r\n|\n|\r/);
  return new Map(lines.flatMap((line) => {
    const [, key, value] = /^\s*([^\s#!=:][^\s=:]*)\s*[=:]?\s*(.*)$/.exec(line) ?? [];
    return key === undefined ? [] : [[key, unescape(value ?? "").trim()] as const];
  }));
}

function unescape(text: string): string {
  return text.replaceAll(/\\(?:u([0-9A-Fa-f]{4})|(.))/g, (_all, code: string | undefined, character: string | undefined) =>
    code === undefined ? (character ?? "") : String.fromCharCode(Number.parseInt(code, 16)));
}
