import assert from "node:assert/strict";
import { test } from "node:test";
import { gitRequest, parseGitReference, urlFilename } from "./git-reference.ts";
import { isAuthority } from "./go-url.ts";

test("an authority is what Go's net/url takes for one", () => {
  const good = ["", "a.b", "a.b:80", "a.b:", "a.b:99999", "u@a", "u:p@a:1", "u%40v@w", "a@b@c", "é.com", "a%C3%A9.com", "a.b%25", "a<b>", "[::1]", "[::1]:8", "[fe80::1%25en0]"];
  const bad = ["a b", "a.b:x", "a:b:1", "a[b", "[::1", "[1.2.3.4]", "[fe80::1%en0]", "[::1]x", "u v@w", "u[v@w", "u:p%zz@a", "a%mple.com", "a%41.com", "a|b", "a^b", "a\\b"];
  assert.deepEqual(good.filter((text) => !isAuthority(text, "https")), []);
  assert.deepEqual(bad.filter((text) => isAuthority(text, "https")), []);
  assert.ok(isAuthority("a:b:22", "ssh"));
});

test("a URL that is none gives a file no name", () => {
  assert.equal(urlFilename("https://a.b/c/d.tar?x=/y"), "d.tar");
  for (const url of ["https://a[b/c.tar", "https://a.b:x/c.tar", "https://a.b/c%zz.tar", "https://a.b/c.tar#%zz", "https://a.b/"]) assert.equal(urlFilename(url), "__unnamed__", url);
});

test("a repository's URL is written as Go writes it", () => {
  for (const [given, written] of [
    ["https://github.com/{a/b.git", "https://github.com/%7Ba/b.git"],
    ["https://a.b/%7Ba.git", "https://a.b/%7Ba.git"],
    ["https://a.b/%7Ba{!.git", "https://a.b/%7Ba%7B%21.git"],
    ["https://u%40:p%2F!@A.b/c d.git", "https://u%40:p%2F%21@A.b/c%20d.git"],
    ["ssh://é.com/c.git", "ssh://%C3%A9.com/c.git"],
  ] as const) {
    const git = parseGitReference(given) ?? assert.fail(given);
    assert.equal(gitRequest(git, { keepGitDir: false, checksum: "", mtime: "" }).attrs["git.fullurl"], written);
  }
});

test("a repository's host is decoded in the name of its source", () => {
  const git = parseGitReference("ssh://[fe80::1%25e]/x.git") ?? assert.fail("no repository");
  assert.equal(gitRequest(git, { keepGitDir: false, checksum: "", mtime: "" }).identifier.split("#")[0], "git://[fe80::1%e]/x.git");
});
