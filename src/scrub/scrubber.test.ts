import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Scrubber } from "./scrubber.ts";

test("a variable with a secret's name is masked and reported without its value", () => {
  const scrubber = new Scrubber();
  assert.equal(scrubber.variable("NPM_TOKEN", "hunter2", "build-arg:NPM_TOKEN"), "xxxxx");
  assert.deepEqual(scrubber.redactions, [{ kind: "secret-variable", place: "build-arg:NPM_TOKEN", name: "NPM_TOKEN" }]);
});

test("public values under a secret's name are left alone", () => {
  const scrubber = new Scrubber();
  const assignments = [
    "SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0",
    "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
    "DISABLE_AUTH=true",
    "TOKEN=",
    "API_KEY=${API_KEY}",
    "PATH=/usr/bin",
    "EDITOR",
  ];
  for (const assignment of assignments) assert.equal(scrubber.assignment(assignment, "step0"), assignment);
  assert.deepEqual(scrubber.redactions, []);
});

test("a secret once learnt is masked wherever its value stands", () => {
  const scrubber = new Scrubber();
  scrubber.learnVariable("DEPLOY_TOKEN", "a1b2c3d4e5");
  assert.equal(scrubber.text("https://host/file?t=a1b2c3d4e5", "step1"), "https://host/file?t=xxxxx");
  assert.equal(scrubber.redactions[0]?.kind, "known-secret");
});

test("a secret that looks like a word is masked at its name only", () => {
  const scrubber = new Scrubber();
  scrubber.learnVariable("AUTH", "swordfish");
  assert.equal(scrubber.text("a swordfish is a fish", "step1"), "a swordfish is a fish");
  assert.equal(scrubber.assignment("AUTH=swordfish", "step1"), "AUTH=xxxxx");
});

test("a proxy variable keeps its address and loses its credentials", () => {
  const scrubber = new Scrubber();
  assert.equal(scrubber.assignment("https_proxy=http://me:pw@proxy:3128", "step2"), "https_proxy=http://xxxxx:xxxxx@proxy:3128");
  assert.deepEqual(scrubber.redactions.map(({ kind }) => kind), ["proxy-credentials"]);
});

test("tokens tell themselves by their form", () => {
  const scrubber = new Scrubber();
  const token = `ghp_${"a1".repeat(18)}`;
  assert.equal(scrubber.text(`RUN gh auth login --with ${token}`, "Dockerfile:1"), "RUN gh auth login --with xxxxx");
  assert.equal(scrubber.text("curl -H 'Authorization: Bearer abc.def'", "step1"), "curl -H 'Authorization: Bearer xxxxx'");
  assert.deepEqual(scrubber.redactions.map(({ kind }) => kind), ["token", "authorization"]);
});

test("a Dockerfile loses its secrets and keeps its lines", () => {
  const scrubber = new Scrubber();
  const text = [
    "# deploy with https://me:pw@host/",
    "FROM busybox",
    'ARG API_KEY="quoted value" VERSION=1',
    "ENV A=b \\",
    "  # a comment within",
    "    DB_PASSWORD=s3cr3t'x y'z \\",
    "    C=d",
    "ENV GITHUB_TOKEN old form here",
    "ONBUILD ARG my_secret=one",
    "ARG NPM_TOKEN",
    "RUN echo $API_KEY",
    "",
  ].join("\n");
  assert.equal(
    scrubber.dockerfile(text, "Dockerfile"),
    [
      "# deploy with https://xxxxx:xxxxx@host/",
      "FROM busybox",
      'ARG API_KEY="xxxxx" VERSION=1',
      "ENV A=b \\",
      "  # a comment within",
      "    DB_PASSWORD=xxxxx \\",
      "    C=d",
      "ENV GITHUB_TOKEN xxxxx",
      "ONBUILD ARG my_secret=xxxxx",
      "ARG NPM_TOKEN",
      "RUN echo $API_KEY",
      "",
    ].join("\n"),
  );
  assert.deepEqual(
    scrubber.redactions.map(({ place, name }) => [place, name]),
    [["Dockerfile:1", undefined], ["Dockerfile:3", "API_KEY"], ["Dockerfile:6", "DB_PASSWORD"], ["Dockerfile:8", "GITHUB_TOKEN"], ["Dockerfile:9", "my_secret"]],
  );
});

test("a value over several lines is masked without moving the lines after it", () => {
  const text = 'ENV A_SECRET="one \\\n two" B=c\nRUN x\n';
  const scrubbed = new Scrubber().dockerfile(text, "Dockerfile");
  assert.equal(scrubbed, 'ENV A_SECRET="xxxxx \\\n xxxxx" B=c\nRUN x\n');
});

test("the body of a private key is masked", () => {
  const text = "RUN <<EOF\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\nZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\nEOF\n";
  const scrubbed = new Scrubber().dockerfile(text, "Dockerfile");
  assert.equal(scrubbed, "RUN <<EOF\n-----BEGIN OPENSSH PRIVATE KEY-----\nxxxxx\nxxxxx\n-----END OPENSSH PRIVATE KEY-----\nEOF\n");
});

test("an escape directive is followed", () => {
  assert.equal(new Scrubber().dockerfile("# escape=`\nENV X=C:\\ `\n  MY_KEY=abc\n", "Dockerfile"), "# escape=`\nENV X=C:\\ `\n  MY_KEY=xxxxx\n");
});

const CORPUS = `${process.env["STEMMA_CONFORMANCE"] ?? "../shared/conformance"}/llb/corpus.jsonl.gz`;

test("Dockerfiles of public projects keep their number of lines, and most are unchanged", { skip: existsSync(CORPUS) ? false : `${CORPUS} is missing` }, () => {
  const dockerfiles = gunzipSync(readFileSync(CORPUS)).toString("utf8").trimEnd().split("\n")
    .map((line) => (JSON.parse(line) as { case: { dockerfile?: string } }).case.dockerfile)
    .filter((text) => text !== undefined);
  let changed = 0;
  for (const text of dockerfiles) {
    const scrubber = new Scrubber();
    scrubber.learnDockerfile(text);
    const scrubbed = scrubber.dockerfile(text, "Dockerfile");
    assert.equal(scrubbed.split("\n").length, text.split("\n").length);
    assert.equal(scrubbed !== text, scrubber.redactions.length > 0, "what changed is reported, and nothing else");
    if (scrubbed !== text) changed++;
  }
  assert.ok(dockerfiles.length > 300);
  assert.ok(changed < dockerfiles.length / 10, `${changed} of ${dockerfiles.length} changed`);
});
