import type { Owner, Principal } from "../../../llb/file-vertex.ts";
import { cut } from "../go-text.ts";

const ID_MIN = -(2 ** 31);
const ID_MAX = 2 ** 31 - 1;

/** `user[:group]`, each a name or an id. */
export function parseOwner(text: string): Owner {
  const { before, after, found } = cut(text, ":");
  return { user: parsePrincipal(before), ...(found ? { group: parsePrincipal(after) } : {}) };
}

function parsePrincipal(text: string): Principal {
  if (text === "root" || text === "") return { kind: "id", id: 0 };
  const id = /^[+-]?[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  // A negative id is one of 32 bits without sign.
  return id >= ID_MIN && id <= ID_MAX ? { kind: "id", id: id >>> 0 } : { kind: "name", name: text };
}
