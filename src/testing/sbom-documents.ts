import { createHash } from "node:crypto";
import { parseDigest } from "../content/digest.ts";
import type { DocumentInput, Origin } from "../sbom/document.ts";
import type { ScannedPackage } from "../sbom/scan.ts";

const BASE: Origin = { layer: parseDigest(`sha256:${"a".repeat(64)}`), step: undefined, dockerfile: undefined };
const INSTALLED: Origin = { layer: parseDigest(`sha256:${"b".repeat(64)}`), step: "[2/2] RUN apt-get\n  install tiny", dockerfile: { file: "Dockerfile", startLine: 3, endLine: 4 } };

const CONTENTS: Readonly<Record<string, readonly [content: string, origin: Origin]>> = {
  "srv/notes.txt": ["nobody's", INSTALLED],
  "usr/bin/tiny": ["run", INSTALLED],
  "usr/lib/libtiny.so.1": ["code", BASE],
  "usr/lib/os-release": ["ID=debian", BASE],
  "var/lib/dpkg/info/libtiny1.list": ["/usr/lib/libtiny.so.1", BASE],
  "var/lib/dpkg/info/tiny.list": ["/usr/bin/tiny", INSTALLED],
  "var/lib/dpkg/status": ["Package: tiny", INSTALLED],
};

/** A small system of two packages: a library of the base, and a program that a step installed and that needs it. */
export function sampleDocument(): DocumentInput {
  const library = debianPackage({ name: "libtiny1", files: ["usr/lib/libtiny.so.1"], licenses: ["MIT"], supplier: "Tiny Team <team@lists.example.org>" });
  const program = debianPackage({ name: "tiny", files: ["usr/bin/tiny"], licenses: ["Tiny License: do as you like"], supplier: "Anna Muster <anna@example.org>", dependencies: ["libtiny1"] });
  return {
    kind: "image",
    name: "example.org/tiny:1",
    namespace: "https://example.org/sbom",
    created: new Date("2023-11-14T22:13:20.500Z"),
    tool: { name: "stemma", version: "0.1.0" },
    scan: { osRelease: { path: "usr/lib/os-release", values: new Map([["ID", "debian"], ["VERSION_ID", "12"], ["PRETTY_NAME", "Debian GNU/Linux 12"], ["HOME_URL", "https://www.debian.org/"]]) }, packages: [library, program], warnings: [] },
    redacted: undefined,
    files: Object.entries(CONTENTS).map(([path, [content]]) => ({ path, sha1: createHash("sha1").update(content).digest("hex"), sha256: createHash("sha256").update(content).digest("hex") })),
    originOf: (path) => CONTENTS[path]?.[1] ?? { layer: undefined, step: undefined, dockerfile: undefined },
  };
}

export function debianPackage(told: Pick<ScannedPackage, "name"> & Partial<ScannedPackage>): ScannedPackage {
  const list = `var/lib/dpkg/info/${told.name}.list`;
  return {
    type: "deb", namespace: "debian", version: "1:1.0-2", qualifiers: { arch: "amd64", distro: "debian-12" }, licenses: [], supplier: undefined, homepage: undefined,
    evidence: ["var/lib/dpkg/status", list], broughtBy: list, files: [], dependencies: [], cataloger: "dpkg",
    ...told,
  };
}
