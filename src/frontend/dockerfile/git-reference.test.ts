import assert from "node:assert/strict";
import { test } from "node:test";
import { gitRequest, parseGitReference } from "./git-reference.ts";

test("a repository over SSH gets the agent and keeps its own form", () => {
  const git = parseGitReference("git@example.com:a/b.git#main") ?? assert.fail("no repository");
  const { identifier, attrs } = gitRequest(git, { keepGitDir: true, checksum: "", mtime: "" });
  assert.equal(identifier, "git://example.com/a/b.git#main");
  assert.deepEqual(attrs, {
    "git.authheadersecret": "GIT_AUTH_HEADER", "git.authtokensecret": "GIT_AUTH_TOKEN",
    "git.fullurl": "git@example.com:a/b.git", "git.keepgitdir": "true", "git.mountsshsock": "default",
  });
});
