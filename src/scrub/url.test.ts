import assert from "node:assert/strict";
import { test } from "node:test";
import { scrubText } from "./scrubber.ts";
import { redactProxy, redactUrl } from "./url.ts";

test("a password with an @ or a slash-free oddity is masked to its end", () => {
  assert.equal(redactUrl("https://user:p@ss@host/x"), "https://xxxxx:xxxxx@host/x");
  assert.equal(redactUrl("https://user:@host/x"), "https://xxxxx:xxxxx@host/x");
});

test("what is no URL with credentials stays as it is", () => {
  for (const text of ["git@github.com:owner/repository.git", "https://host/a@b", "https://host/?q=a:b@c", "mail@example.com", "/a/b@c", `oci-layout://name:tag@sha256:${"a".repeat(64)}`, ""]) {
    assert.equal(redactUrl(text), text);
    assert.equal(scrubText(text), text);
  }
});

test("credentials are masked in every URL of a command", () => {
  assert.equal(
    scrubText("curl https://u:p@a.example/x && git clone 'https://tok3n@b.example/y.git' ssh://git@c.example/z"),
    "curl https://xxxxx:xxxxx@a.example/x && git clone 'https://xxxxx@b.example/y.git' ssh://git@c.example/z",
  );
});

test("references to variables in a URL are no credentials", () => {
  assert.equal(scrubText("https://${USER}:$PASS@host/ https://${TOKEN}@host/"), "https://${USER}:$PASS@host/ https://${TOKEN}@host/");
  assert.equal(scrubText("https://oauth2:${TOKEN}@host/"), "https://oauth2:${TOKEN}@host/");
});

test("a URL's credentials do not reach across a quotation mark, a space or a line", () => {
  for (const text of [`"https://host" "user@host"`, "https://host user@host", "https://host\nuser@host", "a=https://host;b=user@host"]) assert.equal(scrubText(text), text);
});

test("a proxy's credentials are masked with and without a scheme", () => {
  assert.equal(redactProxy("http://u:p@proxy:3128"), "http://xxxxx:xxxxx@proxy:3128");
  assert.equal(redactProxy("u:p@proxy:3128"), "xxxxx:xxxxx@proxy:3128");
  assert.equal(redactProxy("http://proxy:3128"), "http://proxy:3128");
  assert.equal(redactProxy("proxy:3128"), "proxy:3128");
});
