import assert from "node:assert/strict";
import { test } from "node:test";
import { adviseDockerfile } from "./advise-dockerfile.ts";
import { contextFiles } from "./context-files.ts";

type Files = Readonly<Record<string, string>>;

/** Whether the COPY before the RUN is moved behind it. */
function isMoved(run: string, files: Files, before = ""): boolean {
  const text = `FROM debian:12\nLABEL org.opencontainers.image.source=x\n${before}COPY . .\n${run}\n`;
  const findings = adviseDockerfile(Buffer.from(text), { context: contextFiles((path) => files[path], files[".dockerignore"]) });
  const found = findings.filter(({ rule }) => rule === "stemma/copy-before-install");
  assert.equal(found.length, 1, text);
  return found[0]?.edits !== undefined;
}

const NPM: Files = { "package.json": '{"scripts":{"build":"tsc"}}', "package-lock.json": "{}", ".dockerignore": "node_modules\n" };
const GO: Files = { "go.mod": "module x\n", "go.sum": "" };
const PIP: Files = { "requirements.txt": "flask[async]==3.0 ; python_version >= '3.8'\nrequests~=2.0 --hash=sha256:aa --hash=sha256:bb\n" };

test("npm ci is moved unless it runs scripts, reads other files, or would be overwritten", () => {
  assert.equal(isMoved("RUN npm ci --omit=dev", NPM), true);
  assert.equal(isMoved("RUN npm install", NPM), false);
  assert.equal(isMoved("RUN npm ci --userconfig=x", NPM), false);
  assert.equal(isMoved("RUN npm ci && npm run build", NPM), false);
  assert.equal(isMoved("RUN npm ci", NPM, "ENV NODE_OPTIONS=--require=./x.js\n"), false);
  assert.equal(isMoved("RUN npm ci", NPM, "ENV NPM_CONFIG_LOGLEVEL=warn\n"), true);
  const changes: readonly Files[] = [
    { ".dockerignore": "" }, { "binding.gyp": "{}" }, { ".npmrc": "cafile=ca.pem" }, { "package.json": "[" }, { "package.json": '{"workspaces":["a"]}' },
    { "package.json": '{"dependencies":{"a":"file:a"}}' }, { "package.json": '{"scripts":{"prepare":"x"}}' }, { "package-lock.json": '{"packages":{"a":{"link": true}}}' },
  ];
  for (const change of changes) assert.equal(isMoved("RUN npm ci", { ...NPM, ...change }), false, JSON.stringify(change));
  assert.equal(isMoved("RUN npm ci --ignore-scripts", { ...NPM, "package.json": '{"scripts":{"prepare":"x"}}' }), true);
});

test("go mod download is moved unless modules lie in the context or elsewhere", () => {
  assert.equal(isMoved("RUN --mount=type=cache,target=/go/pkg/mod go mod download -x", GO), true);
  assert.equal(isMoved("RUN go mod download", { ...GO, "go.mod": "module x\nreplace y => ../y\n" }), false);
  assert.equal(isMoved("RUN go mod download", { ...GO, "go.work": "" }), false);
  assert.equal(isMoved("RUN go mod download", GO, "ENV GOPATH=/src\n"), false);
  assert.equal(isMoved("RUN --mount=type=bind,target=/x go mod download", GO), false);
  assert.equal(isMoved("RUN go mod download > log", GO), false);
});

test("pip install -r is moved unless its file, its flags or its variables name other places", () => {
  assert.equal(isMoved("RUN pip install --no-cache-dir -r requirements.txt", PIP), true);
  assert.equal(isMoved("RUN pip install -r requirements.txt .", PIP), false);
  assert.equal(isMoved("RUN pip install --target=/x -r requirements.txt", PIP), false);
  assert.equal(isMoved("RUN pip install -r requirements.txt", PIP, "ENV PATH=/venv/bin:$PATH\n"), false);
  for (const line of ["-e .", "./local", "-r other.txt", "a @ file:///x", "sub/dir", "--find-links x"]) assert.equal(isMoved("RUN pip install -r requirements.txt", { "requirements.txt": `${line}\n` }), false, line);
});

test("a COPY to another place, with other flags, or away from the RUN stays where it is", () => {
  assert.equal(isMoved("RUN go mod download", GO, "WORKDIR /src\n"), true);
  assert.equal(isMoved("RUN true\nRUN go mod download", GO), false);
  assert.equal(isMoved("RUN go mod download", GO, "COPY --exclude=x . /y\n"), false);
});
