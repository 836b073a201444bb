import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { treeOfTexts } from "../testing/scan-trees.ts";
import { distroQualifier, osNamespace } from "./os-namespace.ts";
import { parseOsRelease, readOsRelease } from "./os-release.ts";

const never = new AbortController().signal;

test("reads values as a shell does", () => {
  const lines = [`A=plain`, `B="two words"`, `C='it is $1 \\n "so"'`, `D="a \\$b \\"c\\" \\\\ \\\`d\\\`"`, `E=a\\ b`, `F=`, `G=""`, `H="a"'b'c`, `I="é ü"`, `A=again`];
  const names = ["A", "B", "C", "D", "E", "F", "G", "H", "I"];
  const told = execFileSync("sh", ["-c", `${lines.join("\n")}\nfor n in ${names.join(" ")}; do eval "printf '%s\\0' \\"\\$$n\\""; done`], { encoding: "utf8" }).split("\0").slice(0, -1);
  const values = parseOsRelease(["# a comment", "", ...lines, "not an assignment"].join("\n"));
  assert.deepEqual(names.map((name) => values.get(name)), told);
});

test("takes the file below /etc before that below /usr/lib, links followed, and none where there is none", async () => {
  const both = { "usr/lib/os-release": "ID=below-usr", "etc/os-release": "ID=below-etc" };
  assert.equal((await read(both))?.values.get("ID"), "below-etc");
  assert.deepEqual(await read({ ...both, "etc/os-release": "-> ../usr/lib/os-release" }), { path: "usr/lib/os-release", values: new Map([["ID", "below-usr"]]) });
  assert.equal((await read({ "usr/lib/os-release": "ID=x" }))?.path, "usr/lib/os-release");
  assert.equal(await read({ "etc/os-release": "-> /dead" }), undefined);
});

test("names the vendor as package-urls do, and the version or, before there is one, its code name", () => {
  check("ID=debian\nVERSION_ID=12", ["debian", "debian-12"]);
  check("ID=debian\nVERSION_CODENAME=trixie", ["debian", "debian-trixie"]);
  check('ID="rhel"\nVERSION_ID="9.4"', ["redhat", "rhel-9.4"]);
  check('ID="opensuse-leap"\nVERSION_ID="15.5"', ["opensuse", "opensuse-leap-15.5"]);
  check("ID=arch", ["arch", "arch"]);
  check("NAME=x", [undefined, ""]);
});

function check(text: string, expected: readonly [namespace: string | undefined, distro: string]): void {
  const osRelease = parseOsRelease(text);
  assert.deepEqual([osNamespace(osRelease), distroQualifier(osRelease)], expected);
}

async function read(contents: Readonly<Record<string, string>>): ReturnType<typeof readOsRelease> {
  return await readOsRelease(treeOfTexts(contents), assert.fail, never);
}
