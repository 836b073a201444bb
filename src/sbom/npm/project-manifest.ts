import { member, members, text } from "../../content/parsed-value.ts";

/** Names that a package.json asks for, with the ranges as written there. */
export interface Requests {
  readonly needed: ReadonlyMap<string, string>;
  /** Only to develop it, or where they can be installed. What is needed as well is not here. */
  readonly unneeded: ReadonlyMap<string, string>;
}

/** Of a parsed package.json, or what has its fields. */
export function requestsOf(manifest: unknown): Requests {
  const optional = requests(manifest, "optionalDependencies");
  // An optional dependency overrides one of its name that is needed.
  const needed = new Map([...requests(manifest, "peerDependencies"), ...requests(manifest, "dependencies")].filter(([name]) => !optional.has(name)));
  const unneeded = new Map([...requests(manifest, "devDependencies"), ...optional].filter(([name]) => !needed.has(name)));
  return { needed, unneeded };
}

function requests(manifest: unknown, field: string): ReadonlyMap<string, string> {
  return new Map(members(member(manifest, field)).flatMap(([name, range]) => {
    const asked = text(range);
    return asked === undefined ? [] : [[name, asked] as const];
  }));
}
