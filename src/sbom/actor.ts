/** Who made, maintains or supplies a package. */
export interface Actor {
  readonly kind: "Person" | "Organization";
  readonly name: string;
  readonly email: string | undefined;
}

/** Words of names of groups, and addresses that are those of a list. */
const GROUP_NAME = /\b(?:team|maintainers?|developers?|group|project|authors|contributors|community|foundation|packagers?|committee|inc|ltd|llc|gmbh|corp|corporation|company|software|linux)\b/i;
const GROUP_ADDRESS = /@(?:lists|googlegroups|alioth-lists|tracker|packages)\.|-(?:devel|team|maintainers|list)@/i;

/** With a domain, as both formats want it. Some packages name their team or a web page in the place of an address. */
const EMAIL = /^[^\s@<>()[\],;:"\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/;

/** `Name <address>`, or a name alone, as written in packages; undefined for what names nobody. Only the first of several. */
export function parseActor(text: string): Actor | undefined {
  const [, quoted, plain, address = ""] = /^\s*(?:"([^"]*)"|([^<"]*))\s*(?:<([^<>]*)>)?/.exec(text) ?? [];
  const email = EMAIL.test(address.trim()) ? address.trim() : undefined;
  const name = (quoted ?? plain ?? "").replaceAll(/[\s(),]+/g, " ").trim() || email;
  if (name === undefined || name === "") return undefined;
  const isGroup = email === undefined || GROUP_NAME.test(name) || GROUP_ADDRESS.test(email);
  return { kind: isGroup ? "Organization" : "Person", name, email };
}

/** As SPDX writes it (2.3, 7.5). */
export function actorText({ kind, name, email }: Actor): string {
  return `${kind}: ${name}${email === undefined ? "" : ` (${email})`}`;
}
