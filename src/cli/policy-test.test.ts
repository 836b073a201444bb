import assert from "node:assert/strict";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { EXIT } from "./exit-code.ts";
import { explainFailure } from "./failure.ts";
import { command } from "./policy-test.ts";

function place(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "stemma-policy-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

async function run(cwd: string, ...args: readonly string[]): Promise<{ readonly out: string; readonly told: string; readonly status: number }> {
  let out = "";
  const io = { stdin: Readable.from([]), stdout: (text: string | Uint8Array) => void (out += Buffer.from(text).toString()), streamOut: async (part: Uint8Array) => void (out += Buffer.from(part).toString()), stderr: () => undefined, terminal: undefined, isStdoutTerminal: false, env: {}, cwd, signal: new AbortController().signal };
  try {
    return { status: await command.run(args, io), out, told: "" };
  } catch (error) {
    const { message, exitCode } = explainFailure(error);
    return { status: exitCode, out, told: message };
  }
}

const POLICY = `package docker
default allow := false
allow if input.local
allow if input.image.fullRepo == "docker.io/library/alpine"
allow if input.image.labels.owner == "me"
deny_msg contains "no" if not allow
decision := {"allow": allow, "deny_msg": deny_msg}
`;

test("tests are run in the order of their names, and told in buildx's lines", async (t) => {
  const folder = place(t, {
    "Dockerfile.rego": POLICY,
    "b_test.rego": `package docker
test_allows if decision.allow with input as {"image": {"fullRepo": "docker.io/library/alpine"}}
test_denies if { not decision.allow with input as {"image": {"repo": "busybox"}} }
test_fails if decision.allow with input as {"image": {"repo": "busybox", "tag": "1", "platform": "linux/arm64", "labels": {"b": "<", "a": "&"}}}
test_nothing if decision.allow
test_true := true
test_word := "no test"
test_function(_) if true
other if true
`,
    "a_test.rego": 'package docker\ntest_first if { decision.deny_msg == {"no"} with input as {"http": {"url": "x"}} }\n',
    "none.rego": "no rego",
  });
  const all = await run(folder, ".");
  assert.equal(all.out, `test_allows: PASS (allow=true)
test_denies: PASS (allow=false, deny_msg=no)
test_fails: FAIL (allow=false, deny_msg=no)
input:
{
  "image": {
    "ref": "docker.io/library/busybox:1",
    "host": "docker.io",
    "repo": "busybox",
    "fullRepo": "docker.io/library/busybox",
    "tag": "1",
    "platform": "linux/arm64",
    "os": "linux",
    "arch": "arm64",
    "labels": {
      "a": "\\u0026",
      "b": "\\u003c"
    }
  }
}
decision:
{
  "allow": false,
  "deny_msg": [
    "no"
  ]
}
missing_input: input.local
test_first: PASS (allow=false, deny_msg=no)
test_nothing: FAIL (allow=false, deny_msg=no)
input: <nil>
decision:
{
  "allow": false,
  "deny_msg": [
    "no"
  ]
}
missing_input: input.image.fullRepo, input.image.labels, input.local
test_true: PASS (allow=false, deny_msg=no)
`);
  assert.equal(all.status, EXIT.other);
  assert.deepEqual(await run(folder, "b_test.rego", "--run", "denies"), { status: EXIT.ok, told: "", out: "test_denies: PASS (allow=false, deny_msg=no)\n" });
});

test("a test has what the policy has: its functions, its files and its imports, and may put others in their place", async (t) => {
  const folder = place(t, {
    "app.rego": 'package docker\nimport data.lib.known\nallow if { verify_git_signature(input.git.commit, "key"); load_json("ok.json").ok; input.git.branch in known.branches }\nallow if docker_github_builder(input.image, "a/b")\ndecision := {"allow": allow}\n',
    "lib/known.rego": 'package any\nbranches := {"main"}\n', "ok.json": '{"ok": true}', key: "no key",
    "x_test.rego": `package docker
test_mocked if decision.allow with input as {"git": {"branch": "main", "commit": {"tree": "x"}}} with verify_git_signature as true
test_unsigned if not decision.allow with input as {"git": {"branch": "main", "commit": {"tree": "x"}}}
test_image if not decision with input as {"image": {"repo": "a", "signatures": [{"kind": "docker-github-builder"}]}}
`,
  });
  const { out, told, status } = await run(folder, "--filename=app", ".");
  assert.equal(out, "test_image: PASS (allow=n/a)\ntest_mocked: PASS (allow=n/a)\ntest_unsigned: PASS (allow=n/a)\n", told);
  assert.equal(status, EXIT.ok);
});

test("what is not there, and what is no policy, is told with the place", async (t) => {
  const folder = place(t, { "Dockerfile.rego": POLICY, "bad_test.rego": "package docker\ntest_x if undefined_function(1)\n", "two_test.rego": 'package docker\ntest_a if { input with input as {"a": 1}; input with input as {"a": 2} }\n' });
  for (const [args, says, status] of [
    [["none"], /stat none: .*no such file/, EXIT.missingInput], [["Dockerfile.rego"], /test file must have _test\.rego suffix: Dockerfile\.rego/, EXIT.usage],
    [["two_test.rego", "--run", "zzz"], /no tests found$/, EXIT.other], [["--filename", "none", "."], /read policy module none\.rego: .*no such file/, EXIT.missingInput],
    [["bad_test.rego"], /bad_test\.rego:2:\d+: rego_type_error: undefined function undefined_function/, EXIT.other], [["two_test.rego"], /multiple input overrides for test_a/, EXIT.other],
    [[], /takes one path, not 0/, EXIT.usage],
  ] as const) {
    const told = await run(folder, ...args);
    assert.match(told.told, says);
    assert.equal(told.status, status, told.told);
  }
});
