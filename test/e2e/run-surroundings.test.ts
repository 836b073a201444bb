import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadRegistryConfig, anonymousCredentials, openImage, openRegistryClient } from "../../src/doors/registry.ts";
import { openWorkshop, runSkip, type Built, type Workshop, type WorkshopBuild } from "./workshop.ts";

const skip = runSkip;
const signal = AbortSignal.timeout(600_000);

let workshop: Workshop;
let outputs = 0;

before(async () => {
  workshop = await openWorkshop();
});

after(async () => {
  await workshop[Symbol.asyncDispose]();
});

/** What one RUN prints. */
async function printed(run: string, options: WorkshopBuild = {}): Promise<string> {
  return (await workshop.build(`FROM base\nRUN ${run}\n`, { ...options, noCache: true })).output;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

interface Image {
  readonly built: Built;
  readonly layers: readonly string[];
  readonly history: string;
  /** Configuration, manifest and index as text, and what the statements say. */
  readonly documents: string;
  readonly provenance: Provenance;
}

interface Provenance {
  readonly runDetails: { readonly metadata: { readonly buildkit_hermetic?: boolean; readonly stemma_hermetic?: unknown; readonly stemma_network?: readonly string[]; readonly stemma_isolation?: ReadonlyArray<{ readonly runtime: string }> } };
}

/** Builds an image into a layout, and reads all that it says. */
async function imageOf(dockerfile: string, options: WorkshopBuild = {}): Promise<Image> {
  const layout = join(workshop.path, `image-${outputs++}`);
  const built = await workshop.build(dockerfile, { provenance: "mode=max", ...options, outputs: [`type=oci,tar=false,dest=${layout},name=image:1`] });
  await using client = openRegistryClient({ credentials: anonymousCredentials, config: await loadRegistryConfig({}), env: {} });
  await using image = await openImage(`oci-layout://${layout}`, { client, cwd: "/" }, signal);
  const [platform] = (await image.record.platforms(signal)).values();
  assert.ok(platform !== undefined);
  const [manifest, config, [statement]] = await Promise.all([platform.manifest(signal), platform.config(signal), platform.statements(signal)]);
  assert.ok(statement !== undefined);
  const said = await platform.statement(statement, signal);
  return {
    built,
    layers: manifest.layers.map(({ digest }) => digest),
    history: JSON.stringify(config.history),
    documents: JSON.stringify([manifest, config, said]),
    // Ours: its shape is known.
    provenance: said["predicate"] as unknown as Provenance,
  };
}

const metadataOf = ({ provenance }: Image): Provenance["runDetails"]["metadata"] => provenance.runDetails.metadata;

test("the default network is the host's, and the record says so", { skip }, async () => {
  const image = await imageOf("FROM base\nRUN ls /sys/class/net 2>/dev/null || cut -d: -f1 /proc/net/dev\n");
  for (const name of Object.keys(networkInterfaces())) assert.ok(image.built.output.includes(name), `${name} is not in ${image.built.output}`);
  assert.deepEqual(metadataOf(image).stemma_network, ["host"]);
  assert.notEqual(metadataOf(image).buildkit_hermetic, true);
  assert.deepEqual(metadataOf(image).stemma_hermetic, { verified: false, check: "inputs", uncaptured: ["network"] });
});

test("RUN --network=none has nothing but a loopback of its own, and the record says so", { skip }, async () => {
  const image = await imageOf("FROM base\nRUN --network=none cut -d: -f1 /proc/net/dev | tail -n +3 && ! wget -T 2 -O /dev/null http://192.0.2.1/\n");
  assert.match(image.built.output, /^ *lo\n/);
  assert.doesNotMatch(image.built.output, /eth0|enp/);
  assert.deepEqual(metadataOf(image).stemma_network, ["none"]);
  // The context is known by its content, which BuildKit's rule does not ask for.
  assert.deepEqual(metadataOf(image).stemma_hermetic, { verified: true, check: "inputs" });
  assert.equal(metadataOf(image).buildkit_hermetic, undefined);
});

test("what a RUN without a network may still take in is recorded: a cache that others filled, a secret", { skip }, async () => {
  const image = await imageOf("FROM base\nCOPY a /a\nRUN --network=none --mount=type=cache,target=/c --mount=type=secret,id=s true\n", { files: { a: "a\n" }, secrets: { s: async () => Buffer.from("s") } });
  assert.deepEqual(metadataOf(image).stemma_hermetic, { verified: false, check: "inputs", uncaptured: ["cache-mount", "secret"] });
});

test("--network=none holds for every RUN that asks for nothing else", { skip }, async () => {
  const image = await imageOf("FROM base\nRUN cut -d: -f1 /proc/net/dev | tail -n +3\n", { network: "none" });
  assert.equal(image.built.output.trim(), "lo");
  assert.deepEqual(metadataOf(image).stemma_network, ["none"]);
});

test("of RUNs with different networks both are recorded", { skip }, async () => {
  const image = await imageOf("FROM base\nRUN --network=none true\nRUN true\n");
  assert.deepEqual(metadataOf(image).stemma_network, ["host", "none"]);
});

test("the sandbox is recorded also where the step was taken from the cache", { skip }, async () => {
  const dockerfile = "FROM base\nRUN echo isolated\n";
  const first = metadataOf(await imageOf(dockerfile)).stemma_isolation;
  const again = await imageOf(dockerfile);
  assert.equal(again.built.output, "");
  assert.ok((first ?? []).length === 1);
  assert.deepEqual(metadataOf(again).stemma_isolation, first);
});

test("/etc/resolv.conf is the host's, /etc/hosts names localhost and the sandbox, and neither stays in the layer", { skip }, async () => {
  const { output, lines } = await workshop.tree("FROM base\nRUN cat /etc/resolv.conf && echo -- && cat /etc/hosts && hostname\n");
  const [resolv = "", rest = ""] = output.split("--\n");
  const servers = (text: string): string[] => text.split("\n").filter((line) => line.startsWith("nameserver"));
  assert.deepEqual(servers(resolv), servers(readFileSync("/etc/resolv.conf", "utf8")));
  assert.match(rest, /^127\.0\.0\.1\s+localhost buildkitsandbox\n::1\s+localhost[^\n]*\nbuildkitsandbox\n$/);
  assert.deepEqual(lines.filter((line) => /resolv|hosts/.test(line)), []);
});

test("a RUN knows ENV, ARG, PATH and HOME, and nothing of the builder's environment", { skip }, async () => {
  const dockerfile = "FROM base\nARG GIVEN\nARG DEFAULT=default\nARG UNSET\nENV KEPT=kept TWO='two words'\nENV DERIVED=${KEPT}-${GIVEN}\nRUN env | sort\n";
  const { output } = await workshop.build(dockerfile, { buildArgs: { GIVEN: "given" }, env: { ...workshop.env, SECRET_OF_THE_BUILDER: "x" }, noCache: true });
  const lines = output.trim().split("\n").filter((line) => !/^(?:SHLVL|PWD|OLDPWD|_)=/.test(line));
  assert.deepEqual(lines, ["DEFAULT=default", "DERIVED=kept-given", "GIVEN=given", "HOME=/root", "KEPT=kept", "PATH=/bin", "TWO=two words"]);
});

test("proxies that are given as build arguments reach a RUN in both spellings, and are in no layer, history, key or record", { skip }, async () => {
  const dockerfile = "FROM base\nRUN env | grep -i proxy | sort > /dev/stderr; echo -n $http_proxy | sha256sum; date +%N > /stamp\n";
  const proxy = "http://user:pass-word-7@proxy.example:3128";
  const first = await imageOf(dockerfile, { buildArgs: { HTTP_PROXY: proxy, no_proxy: ".example" } });
  // What it prints goes to a log that others may read, so only the digest shows that it had the password.
  const shown = "http://xxxxx:xxxxx@proxy.example:3128";
  assert.deepEqual(first.built.output.trim().split("\n").toSorted(), [`${sha256(proxy)}  -`, `HTTP_PROXY=${shown}`, `http_proxy=${shown}`, "NO_PROXY=.example", "no_proxy=.example"].toSorted());
  assert.ok(!first.documents.includes("pass-word-7"));
  assert.ok(!first.history.includes("proxy.example"));
  const other = await imageOf(dockerfile, { buildArgs: { HTTP_PROXY: "http://another.example:1" } });
  const without = await imageOf(dockerfile);
  assert.deepEqual([other.built.output, without.built.output], ["", ""], "another proxy is no reason to run again");
  assert.deepEqual([other.layers, without.layers], [first.layers, first.layers]);
});

test("a proxy that the Dockerfile names as ARG is an argument like others: part of the key and of the history", { skip }, async () => {
  const dockerfile = "FROM base\nARG HTTP_PROXY\nRUN echo $HTTP_PROXY\n";
  const first = await imageOf(dockerfile, { buildArgs: { HTTP_PROXY: "http://one.example:1" } });
  const other = await imageOf(dockerfile, { buildArgs: { HTTP_PROXY: "http://two.example:2" } });
  assert.deepEqual([first.built.output, other.built.output], ["http://one.example:1\n", "http://two.example:2\n"]);
  assert.ok(first.history.includes("one.example"));
});

test("proxies of the builder's own environment reach no RUN", { skip }, async () => {
  assert.equal(await printed("env | grep -ci proxy || true", { env: { ...workshop.env, HTTP_PROXY: "http://mine.example:1", https_proxy: "http://mine.example:1" } }), "0\n");
});

test("a cache mount keeps what was put in from build to build, and stays out of the image", { skip }, async () => {
  const dockerfile = "FROM base\nRUN --mount=type=cache,target=/cache echo x >> /cache/log && wc -l < /cache/log\n";
  const first = await workshop.tree(dockerfile, { noCache: true });
  const second = await workshop.tree(dockerfile, { noCache: true });
  assert.deepEqual([first.output.trim(), second.output.trim()], ["1", "2"]);
  assert.deepEqual(second.lines.filter((line) => line.includes("log")), []);
});

test("cache mounts are told apart by id, owned and moded as asked, and begin with what they are from", { skip }, async () => {
  const mount = (more: string): string => `--mount=type=cache,target=/c,${more}`;
  const output = await printed(`${mount("id=one,uid=1000,gid=1001,mode=0700")} stat -c '%u:%g %a' /c && touch /c/one`);
  assert.equal(output, "1000:1001 700\n");
  assert.equal(await printed(`${mount("id=two")} ls /c`), "");
  assert.equal(await printed(`${mount("id=one,uid=1000,gid=1001,mode=0700")} ls /c`), "one\n");
  const seeded = "FROM base AS seed\nRUN mkdir /seed && echo seeded > /seed/file\nFROM base\nRUN --mount=type=cache,target=/c,id=seeded,from=seed,source=/seed cat /c/file\n";
  assert.equal((await workshop.build(seeded)).output, "seeded\n");
});

test("a part of a cache mount is what others put there, and what is begun with is another cache", { skip }, async () => {
  const mount = (more: string): string => `--mount=type=cache,id=parts,target=/c,${more}`;
  await assert.rejects(printed(`${mount("source=sub")} true`), /failed to mount \/?sub: "\/sub": not found/);
  assert.equal(await printed(`${mount("ro=false")} mkdir /c/sub && echo text > /c/sub/file`), "");
  assert.equal(await printed(`${mount("source=sub")} ls /c && echo more >> /c/file`), "file\n");
  assert.equal(await printed(`${mount("source=/")} cat /c/sub/file`), "text\nmore\n");
  assert.equal(await printed(`${mount("mode=0700")} ls /c`), "");
  const seeded = (text: string): string => `FROM base AS seed\nRUN mkdir /seed && echo ${text} > /seed/file\nFROM base\nRUN ${mount("from=seed,source=/seed")} cat /c/file\n`;
  for (const text of ["one", "two"]) assert.equal((await workshop.build(seeded(text))).output, `${text}\n`);
});

test("a locked cache mount is one step's at a time, at however many places it has it", { skip }, async () => {
  const mount = (target: string): string => `--mount=type=cache,target=${target},id=locked,sharing=locked`;
  const stage = (name: string): string => `FROM base AS ${name}\nRUN ${mount("/c")} ${mount("/d")} test ! -e /c/busy && touch /c/busy && sleep 0.3 && rm /d/busy\n`;
  await workshop.build(`${stage("a")}${stage("b")}FROM base\nCOPY --from=a /bin/sh /a\nCOPY --from=b /bin/sh /b\n`, { noCache: true });
});

test("a tmpfs is empty, as big as asked, and gone afterwards", { skip }, async () => {
  const dockerfile = "FROM base\nRUN --mount=type=tmpfs,target=/t,size=1048576 ls /t; grep ' /t ' /proc/mounts | cut -d' ' -f3; if head -c 2000000 /dev/zero 2>/dev/null > /t/big; then echo without limit; fi; rm /t/big; echo x > /t/small\n";
  const { output, lines } = await workshop.tree(dockerfile);
  assert.equal(output, "tmpfs\n");
  assert.deepEqual(lines.filter((line) => line.includes("small")), []);
});

test("a bind mount shows the context, a stage or an image read-only, and what is written to one that may be is dropped", { skip }, async () => {
  const dockerfile = [
    "FROM base AS made", "RUN mkdir /made && echo made > /made/file",
    "FROM base",
    "RUN --mount=target=/ctx cat /ctx/a.txt && ! touch /ctx/new 2>/dev/null",
    "RUN --mount=type=bind,from=made,source=/made,target=/m cat /m/file && ! rm /m/file 2>/dev/null",
    "RUN --mount=from=base,source=/etc/passwd,target=/p head -n 1 /p",
    "RUN --mount=target=/w,rw echo new > /w/new && cat /w/new",
    "RUN --mount=target=/w,rw ls /w", "",
  ].join("\n");
  const { output, lines } = await workshop.tree(dockerfile, { files: { "a.txt": "from the context\n" } });
  assert.equal(output, "from the context\nmade\nroot:x:0:0:root:/root:/bin/sh\nnew\na.txt\n");
  assert.deepEqual(lines.filter((line) => /a\.txt|new|file/.test(line)), []);
});

test("a RUN that reads one file of the context by a mount runs again when that file changes, not when another does", { skip }, async () => {
  const dockerfile = "FROM base\nRUN --mount=source=a.txt,target=/a cat /a\n";
  const output = async (a: string, b: string): Promise<string> => (await workshop.build(dockerfile, { files: { "a.txt": a, "b.txt": b } })).output;
  assert.deepEqual([await output("one\n", "1"), await output("one\n", "2"), await output("two\n", "2")], ["one\n", "", "two\n"]);
});

test("a secret is a file for one step alone, or a variable, and changes nothing else", { skip }, async () => {
  const secrets = { s: async () => Buffer.from("value-of-the-secret") };
  const digest = `${sha256("value-of-the-secret")}  -\n`;
  assert.equal(await printed("--mount=type=secret,id=s stat -c '%a %u' /run/secrets/s && sha256sum < /run/secrets/s", { secrets }), `400 0\n${digest}`);
  assert.equal(await printed("--mount=type=secret,id=s,target=/x/y,uid=1000,mode=0440 stat -c '%a %u %g' /x/y", { secrets }), "440 1000 0\n");
  assert.equal(await printed("--mount=type=secret,id=s,env=S sh -c 'echo -n $S | sha256sum'", { secrets }), digest);
  assert.equal(await printed("--mount=type=secret,id=s cat /run/secrets/s", { secrets }), "xxxxx", "what a step prints is no way out for it");
  assert.equal(await printed("--mount=type=secret,id=absent test ! -e /run/secrets/absent"), "");
  const dockerfile = "FROM base\nRUN --mount=type=secret,id=s wc -c < /run/secrets/s\n";
  const first = await imageOf(dockerfile, { secrets });
  assert.ok(!first.documents.includes("value-of-the-secret"));
  const other = await imageOf(dockerfile, { secrets: { s: async () => Buffer.from("other") } });
  assert.deepEqual([other.built.output, other.layers], ["", first.layers], "another value is no reason to run again");
  const { lines } = await workshop.tree(dockerfile, { secrets, noCache: true });
  assert.deepEqual(lines.filter((line) => /secrets/.test(line)), []);
});

test("USER, WORKDIR and SHELL hold for what follows", { skip }, async () => {
  const dockerfile = [
    "FROM base", "WORKDIR /a/b", "WORKDIR c", "RUN pwd", "USER app", "RUN id -u && id -g && echo $HOME",
    "USER 2000:3000", "RUN id -u && id -g", "USER root", 'SHELL ["/bin/sh", "-euc"]', "RUN false; echo unreachable || true", "",
  ].join("\n");
  const error = await workshop.build(dockerfile).then(() => undefined, (reason: unknown) => reason as { readonly code: string; readonly exitCode: number });
  assert.deepEqual([error?.code, error?.exitCode], ["step-failed", 1]);
  const { output } = await workshop.build(dockerfile.replace("RUN false; echo unreachable || true", "RUN echo $-"), { noCache: true });
  const lines = output.trimEnd().split("\n");
  assert.deepEqual(lines.slice(0, -1), ["/a/b/c", "1000", "1001", "/home/app", "2000", "3000"]);
  assert.match(lines.at(-1) ?? "", /^(?=.*e)(?=.*u)/);
});

test("here-documents are scripts with an interpreter of their own, or input to a command", { skip }, async () => {
  assert.equal(await printed("<<EOF\necho one\nfalse\necho $((1 + 1))\nEOF"), "one\n2\n");
  assert.equal(await printed("<<EOF\n#!/bin/awk -f\nBEGIN { print 6 * 7 }\nEOF"), "42\n");
  assert.equal(await printed("cat <<one - <<two\nignored\none\nshown $HOME\ntwo").then((text) => text.trimEnd()), "shown /root");
});

test("the exec form has no shell, and what cannot be started says so", { skip }, async () => {
  assert.equal(await printed('["echo", "$HOME", "a  b"]'), "$HOME a  b\n");
  const error = await printed('["/nothing/here"]').then(() => undefined, (reason: unknown) => reason as Error & { readonly code: string });
  assert.ok(error !== undefined);
  assert.match(error.message, /nothing\/here/);
});

test("a failing RUN leaves its layer out, and what ran before it in the cache", { skip }, async () => {
  const good = "FROM base\nRUN echo before > /before\n";
  await assert.rejects(workshop.build(`${good}RUN echo half > /half && exit 9\n`), { code: "step-failed", exitCode: 9 });
  const { cached } = await workshop.build(`${good}RUN test ! -e /half\n`);
  assert.ok(cached.some((name) => name.includes("echo before")), cached.join("\n"));
});

test("what a RUN makes of the root's mode ends with it, and its owner stays, as in BuildKit", { skip: skip || (process.geteuid?.() === 0 ? false : "needs root, whose trees have owners") }, async () => {
  const { output } = await workshop.build("FROM base\nRUN chmod 711 / && chown 3:4 / && touch /new\nRUN stat -c 'it is %a %u:%g' /\n", { noCache: true });
  assert.match(output, /it is 755 3:4/);
});

test("directories that lead to a mount have the mode that any has", { skip }, async () => {
  const { output } = await workshop.build("FROM base\nRUN --mount=type=tmpfs,target=/way/to/it --mount=type=cache,target=/root/.cache/tool touch /way/kept && stat -c 'it is %n %a' /way /way/to /root/.cache\nRUN stat -c 'then %n %a' /way\n", { noCache: true });
  for (const line of ["it is /way 755", "it is /way/to 755", "it is /root/.cache 755", "then /way 755"]) assert.ok(output.includes(line), `${line}: ${output}`);
});
