import assert from "node:assert/strict";
import { test } from "node:test";
import { debianLicenses } from "./debian-copyright.ts";

const FORMAT = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n";

test("takes the short names of paragraphs of files, and not those of paragraphs that only have a text", () => {
  const text = `${FORMAT}Upstream-Name: tiny\n\nFiles: *\nCopyright: 2020 Anna\nLicense: GPL-2+ or Expat\n\nFiles: debian/*\nCopyright: 2021 Ben\nLicense: GPL-2+\n This is free software;\n .\n you can redistribute it.\n\nLicense: BSD-3-clause\n Redistribution and use\n`;
  assert.deepEqual(debianLicenses(text), ["GPL-2+", "GPL-2+ or Expat"]);
  assert.deepEqual(debianLicenses(`${FORMAT}License: MIT\n\nFiles: *\nLicense:\n text without a name\n`), ["MIT"]);
});

test("takes of other files the common texts that they refer to, each once", () => {
  assert.deepEqual(debianLicenses("On Debian systems see /usr/share/common-licenses/GPL-3 and `/usr/share/common-licenses/Apache-2.0'.\nAlso /usr/share/common-licenses/GPL-3."), [
    "/usr/share/common-licenses/Apache-2.0", "/usr/share/common-licenses/GPL-3",
  ]);
  assert.deepEqual(debianLicenses("All rights are given away."), []);
});
