import assert from "node:assert/strict";
import { test } from "node:test";
import { purlOf } from "../sbom/purl.ts";
import type { ScannedPackage } from "../sbom/scan.ts";
import { OpenScrubber } from "../scrub/open-scrubber.ts";
import { Scrubber } from "../scrub/scrubber.ts";
import { scrubScan } from "./scrub-scan.ts";

const { signal } = new AbortController();
const TOKEN = `npm_${"a1B2".repeat(9)}`;
const found = (told: Pick<ScannedPackage, "name"> & Partial<ScannedPackage>): ScannedPackage => ({
  type: "npm", namespace: undefined, version: "1.0.0", qualifiers: {}, licenses: [], supplier: undefined, homepage: undefined, evidence: ["a"], broughtBy: "a", files: [], dependencies: [], cataloger: "npm", ...told,
});

test("every text of a package is masked, and what needs it names it as it is then", async () => {
  const leaky = found({ name: "b", version: `https://h/b.tgz?token=${TOKEN}`, qualifiers: { vcs_url: `git+https://me:${TOKEN}@h/b.git` }, licenses: [`SEE https://me:${TOKEN}@h/`], supplier: TOKEN, originator: TOKEN, homepage: `https://h/?access_token=${TOKEN}` });
  const scan = { osRelease: { path: "etc/os-release", values: new Map([["HOME_URL", `https://me:${TOKEN}@h/`]]) }, packages: [found({ name: "a", dependencies: [purlOf(leaky)] }), leaky], warnings: [`a: ${TOKEN}`] };
  const scrubber = new Scrubber();
  const { packages: [a, b], warnings, osRelease } = await scrubScan(scan, scrubber, signal);
  assert.ok(!JSON.stringify([a, b, warnings, [...(osRelease?.values ?? [])]]).includes(TOKEN));
  assert.deepEqual(a?.dependencies, [b && purlOf(b)]);
  assert.deepEqual(new Set(scrubber.redactions.map(({ place }) => place)), new Set(["system", "package b", "warnings"]));
  assert.deepEqual(await scrubScan(scan, new OpenScrubber(), signal), scan, "where all is allowed, nothing is changed");
});
