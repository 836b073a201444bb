import assert from "node:assert/strict";
import { test } from "node:test";
import parseExpression from "spdx-expression-parse";
import { declaredLicense } from "./license.ts";

test("an SPDX expression stays what it is, with the ids as SPDX writes them", () => {
  check("MIT", "MIT");
  check("apache-2.0", "Apache-2.0");
  check("(MIT OR Apache-2.0) AND BSD-3-Clause", "(MIT OR Apache-2.0) AND BSD-3-Clause");
  check("MIT OR Apache-2.0 AND ISC", "MIT OR Apache-2.0 AND ISC");
  check("GPL-2.0-or-later WITH Classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0");
  check("Apache-2.0+", "Apache-2.0+");
  check("GPL-2.0", "GPL-2.0-only");
  check("GPL-2.0+", "GPL-2.0-or-later");
  check("LGPL-2.1-only AND GPL-2.0-or-later AND MIT", "LGPL-2.1-only AND GPL-2.0-or-later AND MIT");
});

test("reads the short names of Debian, and the commas of its expressions", () => {
  check("Expat", "MIT");
  check("GPL-2+", "GPL-2.0-or-later");
  check("LGPL-2.1", "LGPL-2.1-only");
  check("AGPL-3+ or GPL-3", "AGPL-3.0-or-later OR GPL-3.0-only");
  check("GFDL-1.3+", "GFDL-1.3-or-later");
  check("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later");
  check("BSD-3-clause and GPL-2+", "BSD-3-Clause AND GPL-2.0-or-later");
  check("GPL-2+ or MPL-2.0, and Expat", "(GPL-2.0-or-later OR MPL-2.0) AND MIT");
  check("GPL-2 with Linux-syscall-note exception", "GPL-2.0-only WITH Linux-syscall-note");
  check("Apache-2.0 with LLVM exception and GPL-2+ with Classpath exception", "Apache-2.0 WITH LLVM-exception AND GPL-2.0-or-later WITH Classpath-exception-2.0");
  check("/usr/share/common-licenses/Apache-2.0", "Apache-2.0");
});

test("reads the short names that Fedora had", () => {
  check("GPLv2+", "GPL-2.0-or-later");
  check("GPLv3", "GPL-3.0-only");
  check("LGPLv2+", "LGPL-2.0-or-later");
  check("ASL 2.0", "Apache-2.0");
  check("MPLv2.0 and (GPLv3+ or LGPLv3)", "MPL-2.0 AND (GPL-3.0-or-later OR LGPL-3.0-only)");
  check("zlib and Boost and CC0", "Zlib AND BSL-1.0 AND CC0-1.0");
});

test("reads names in words, as Maven and PyPI have them", () => {
  check("The Apache Software License, Version 2.0", "Apache-2.0");
  check("Apache License 2.0", "Apache-2.0");
  check("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0");
  check("The MIT License (MIT)", "MIT");
  check("License :: OSI Approved :: GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later");
  check("GNU General Public License v2 (GPLv2)", "GPL-2.0-only");
  check("Eclipse Public License - v 1.0", "EPL-1.0");
  check("New BSD License", "BSD-3-Clause");
});

test("a name that stands for several licences, or for none, is kept in its words", () => {
  check("BSD", "LicenseRef-BSD", { "LicenseRef-BSD": "BSD" });
  check("GPL", "LicenseRef-GPL", { "LicenseRef-GPL": "GPL" });
  check("Artistic or GPL-1+", "LicenseRef-Artistic OR GPL-1.0-or-later", { "LicenseRef-Artistic": "Artistic" });
  check("constructor", "LicenseRef-constructor", { "LicenseRef-constructor": "constructor" });
  check("UNLICENSED", "LicenseRef-UNLICENSED", { "LicenseRef-UNLICENSED": "UNLICENSED" });
  check("LicenseRef-Fedora-Public-Domain", "LicenseRef-Fedora-Public-Domain", { "LicenseRef-Fedora-Public-Domain": "LicenseRef-Fedora-Public-Domain" });
  const words = declaredLicense(["GPL-2+ with OpenSSL exception and MIT"]);
  assert.match(words?.expression ?? "", /^LicenseRef-GPL-2-with-OpenSSL-exception-[0-9a-f]{24} AND MIT$/);
  assert.equal(words?.custom[0]?.text, "GPL-2+ with OpenSSL exception");
});

test("a common text of Debian whose later versions may count as well names no licence", () => {
  const { expression = "", custom = [] } = declaredLicense(["/usr/share/common-licenses/GPL-2"]) ?? {};
  assert.match(expression, /^LicenseRef-usr-share-common-licenses-GPL-2-[0-9a-f]{24}$/);
  assert.equal(custom[0]?.text, "/usr/share/common-licenses/GPL-2");
});

test("sentences and texts are not taken apart", () => {
  for (const text of ["You may use and modify this, or not.", "SEE LICENSE IN LICENSE.md", `MIT and ${"so on, or ".repeat(200)}`, "MIT and\nGPL-2+", "MIT or", "(MIT", "MIT )", "MIT, GPL-2+", "(".repeat(100_000)]) {
    const { expression = "", custom = [] } = declaredLicense([text]) ?? {};
    assert.match(expression, /^LicenseRef-[A-Za-z0-9.-]+$/);
    parseExpression(expression);
    assert.deepEqual(custom.map((one) => one.text), [text.trim()]);
  }
});

test("all of several declarations holds, each once", () => {
  assert.equal(declaredLicense(["MIT or ISC", "GPL-2+", "Expat", "MIT"])?.expression, "(MIT OR ISC) AND GPL-2.0-or-later AND MIT");
  assert.equal(declaredLicense(["", "NOASSERTION", "  unknown "]), undefined);
  assert.equal(declaredLicense([]), undefined);
});

test("words that differ have ids that differ, and the same words one", () => {
  const [a, b, again] = ["my licence!", "my licence?", "my licence!"].map((text) => declaredLicense([text])?.expression);
  assert.notEqual(a, b);
  assert.equal(a, again);
  assert.deepEqual(declaredLicense(["BSD", "BSD and MIT"])?.custom.length, 1);
});

/** Whatever we write is an expression for the parser of others too. */
function check(declared: string, expression: string, texts: Readonly<Record<string, string>> = {}): void {
  const license = declaredLicense([declared]);
  assert.equal(license?.expression, expression, declared);
  assert.deepEqual(Object.fromEntries(license.custom.map(({ licenseId, text }) => [licenseId, text])), texts);
  parseExpression(expression);
}
