import assert from "node:assert/strict";
import { test } from "node:test";
import { actorText, parseActor } from "./actor.ts";

test("tells people from groups by their names and addresses", () => {
  check("Santiago Vila <sanvila@debian.org>", "Person: Santiago Vila (sanvila@debian.org)");
  check('"Theodore Y. Ts\'o" <tytso@mit.edu>', "Person: Theodore Y. Ts'o (tytso@mit.edu)");
  check("Debian GCC Maintainers <debian-gcc@lists.debian.org>", "Organization: Debian GCC Maintainers (debian-gcc@lists.debian.org)");
  check("unbound packagers <unbound@packages.debian.org>", "Organization: unbound packagers (unbound@packages.debian.org)");
  check("Fedora Project", "Organization: Fedora Project");
  check("Anna (work) <anna@example.org>, Ben <ben@example.org>", "Person: Anna work (anna@example.org)");
  check("<anna@example.org>", "Person: anna@example.org (anna@example.org)");
});

test("takes no words for an address, and nothing for nobody", () => {
  check("Anna <no address>", "Organization: Anna");
  for (const text of ["", "  ", "<>", "<no address>"]) assert.equal(parseActor(text), undefined);
});

function check(text: string, told: string): void {
  const actor = parseActor(text);
  assert.equal(actor === undefined ? undefined : actorText(actor), told);
}
