import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import { chmod, mkdir, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { serve, type HttpFixture } from "../../src/testing/http-fixture.ts";
import { openWorkshop, runSkip, type Workshop } from "./workshop.ts";

let workshop: Workshop;
let web: WebFixture;

before(async () => {
  workshop = await openWorkshop();
  web = await openWeb();
});

after(async () => {
  await web.server[Symbol.asyncDispose]();
  await workshop[Symbol.asyncDispose]();
});

interface WebFixture {
  readonly server: HttpFixture;
  readonly files: Map<string, string | Buffer>;
  /** `GET /a 200`, one for each answer. */
  readonly seen: string[];
}

/** A server with ETags. */
async function openWeb(): Promise<WebFixture> {
  const files = new Map<string, string | Buffer>();
  const seen: string[] = [];
  const server = await serve((request, response) => {
    const content = files.get(request.url ?? "");
    const etag = content === undefined ? "" : `"${createHash("sha1").update(content).digest("hex")}"`;
    const status = content === undefined ? 404 : request.headers["if-none-match"] === etag ? 304 : 200;
    seen.push(`${request.method} ${request.url} ${status}`);
    response.writeHead(status, status === 404 ? {} : { etag, "last-modified": "Tue, 14 Nov 2023 22:13:20 GMT" }).end(status === 200 ? content : undefined);
  });
  return { server, files, seen };
}

const files = { "a.txt": "a", "b.txt": "b", "c.md": "c", "sub/d.txt": "d", "sub/deep/e.txt": "e", ".hidden": "h" };

test("COPY of files, globs and directories puts each where it should", async () => {
  const { lines } = await workshop.tree("FROM scratch\nCOPY a.txt /one\nCOPY a.txt b.txt /two/\nCOPY *.txt /glob/\nCOPY sub /sub\nCOPY [\"c.md\", \"/with space/\"]\nCOPY su?/*.txt /q/\n", { files });
  assert.deepEqual(lines.filter((line) => line.startsWith("-")), [
    "-rw-r--r-- 0/0 glob/a.txt", "-rw-r--r-- 0/0 glob/b.txt", "-rw-r--r-- 0/0 one", "-rw-r--r-- 0/0 q/d.txt", "-rw-r--r-- 0/0 sub/d.txt",
    "-rw-r--r-- 0/0 sub/deep/e.txt", "-rw-r--r-- 0/0 two/a.txt", "-rw-r--r-- 0/0 two/b.txt", "-rw-r--r-- 0/0 with space/c.md",
  ]);
});

test("COPY --exclude and --parents choose and place", async () => {
  const { lines } = await workshop.tree("FROM scratch\nCOPY --exclude=*.md --exclude=sub/deep . /x/\nCOPY --parents sub/deep/e.txt /y/\n", { files });
  assert.deepEqual(lines.filter((line) => line.startsWith("-")).map((line) => line.slice("-rw-r--r-- 0/0 ".length)), ["x/.hidden", "x/a.txt", "x/b.txt", "x/sub/d.txt", "y/sub/deep/e.txt"]);
});

test("a file, and its directories, have the owner and mode that --chown and --chmod say", { skip: runSkip }, async () => {
  const { lines } = await workshop.tree("FROM base\nCOPY --chown=app:app --chmod=640 a.txt /new/a\nCOPY --chown=5:6 sub /sub\nCOPY --chmod=u=rwX,go= b.txt /b\nCOPY --chown=app c.md /c\n", { files });
  assert.deepEqual(lines, [
    "-rw------- 0/0 b", "-rw-r--r-- 1000/1001 c", "drw-r----- 1000/1001 new/", "-rw-r----- 1000/1001 new/a", "drwxr-xr-x 5/6 sub/", "-rw-r--r-- 5/6 sub/d.txt", "drwxr-xr-x 5/6 sub/deep/", "-rw-r--r-- 5/6 sub/deep/e.txt",
  ].toSorted((a, b) => ((a.split(" ")[2] ?? "") < (b.split(" ")[2] ?? "") ? -1 : 1)));
});

test("modes and links of the context stay, owners and umask do not matter", async () => {
  const context = await workshop.directory({ "run.sh": "#!/bin/sh\n", secret: "s" });
  await chmod(join(context, "run.sh"), 0o755);
  await chmod(join(context, "secret"), 0o600);
  await symlink("run.sh", join(context, "link"));
  const { lines } = await workshop.tree("FROM scratch\nCOPY . /\n", { context });
  assert.deepEqual(lines, ["lrwxrwxrwx 0/0 link -> run.sh", "-rwxr-xr-x 0/0 run.sh", "-rw------- 0/0 secret"]);
});

test("COPY counts by content: another time or directory is the cache's, one other byte is not", async () => {
  const dockerfile = "FROM scratch\nCOPY a.txt /counted\n";
  const ran = async (context: string): Promise<boolean> => (await workshop.build(dockerfile, { context })).ran.some((name) => name.includes("COPY"));
  const first = await workshop.directory({ "a.txt": "counted" });
  assert.equal(await ran(first), true);
  await utimes(join(first, "a.txt"), 1, 1);
  assert.equal(await ran(first), false);
  assert.equal(await ran(await workshop.directory({ "a.txt": "counted", "other.txt": "x" })), false);
  const other = await workshop.directory({ "a.txt": "counteD" });
  await utimes(join(other, "a.txt"), 1, 1);
  assert.equal(await ran(other), true, "same size and time, other content");
});

test("COPY --link does not depend on what is below, and gives the same layer on another base", { skip: runSkip }, async () => {
  const dockerfile = (marker: string): string => `FROM base\nRUN echo ${marker} > /marker\nCOPY --link a.txt /linked/a\n`;
  const first = await workshop.tree(dockerfile("one"), { files });
  assert.ok(first.lines.includes("-rw-r--r-- 0/0 linked/a"));
  const second = await workshop.build(dockerfile("two"), { files });
  assert.ok(second.cached.some((name) => name.includes("COPY --link")), second.cached.join("\n"));
});

test("COPY --from takes from a stage by name and number, and from an image", { skip: runSkip }, async () => {
  const { text } = await workshop.tree("FROM base AS made\nRUN echo made > /made\nFROM scratch\nCOPY --from=made /made /by-name\nCOPY --from=0 /made /by-number\nCOPY --from=base /etc/passwd /of-image\n");
  assert.deepEqual([text("by-name"), text("by-number")], ["made\n", "made\n"]);
  assert.match(text("of-image"), /^root:/);
});

test("here-documents of COPY are files", async () => {
  const { text, lines } = await workshop.tree("FROM scratch\nARG N=7\nCOPY --chmod=755 <<one <<'two' /docs/\nnumber $N\none\nnumber $N\ntwo\n");
  assert.deepEqual([text("docs/one"), text("docs/two")], ["number 7\n", "number $N\n"]);
  assert.ok(lines.includes("-rwxr-xr-x 0/0 docs/one"));
});

test("named contexts are directories, OCI layouts and images, and stand for stages and images alike", { skip: runSkip === false ? dockerRegistrySkip : runSkip }, async () => {
  await using registry: DockerRegistry = await startDockerRegistry();
  const reference = `${registry.host}/extra:1`;
  await workshop.build("FROM scratch\nCOPY a.txt /from-image\n", { files, tags: [reference], push: true });
  const directory = await workshop.directory({ "from-directory": "directory", ignored: "x", ".dockerignore": "ignored\n" });
  const buildContexts = { dir: directory, image: `docker-image://${reference}`, layout: `oci-layout://${workshop.base}`, "docker.io/library/debian:12": `docker-image://${reference}`, stage: directory };
  const dockerfile = "FROM base AS stage\nRUN exit 1\nFROM debian:12\nCOPY --from=dir . /d/\nCOPY --from=image /from-image /i\nCOPY --from=layout /etc/passwd /l\nCOPY --from=stage /from-directory /s\n";
  const { lines } = await workshop.tree(dockerfile, { buildContexts });
  assert.deepEqual(lines.filter((line) => line.startsWith("-")).map((line) => line.split(" ").at(-1)), ["d/.dockerignore", "d/from-directory", "from-image", "i", "l", "s"]);
});

test("a layout is named by tag or digest, and one that is not there is a missing input", { skip: runSkip }, async () => {
  const digest = (JSON.parse(spawnSync("cat", [join(workshop.base, "index.json")], { encoding: "utf8" }).stdout) as { manifests: Array<{ digest: string }> }).manifests[0]?.digest;
  for (const suffix of [":latest", `@${digest}`, `:latest@${digest}`, ""]) await workshop.build("FROM x\nRUN true\n", { buildContexts: { x: `oci-layout://${workshop.base}${suffix}` } });
  await assert.rejects(workshop.build("FROM x\n", { buildContexts: { x: `oci-layout://${workshop.base}:absent` } }), { code: "missing-input" });
  await assert.rejects(workshop.build("FROM x\n", { buildContexts: { x: "oci-layout:///nothing/here" } }), { code: "not-found" });
});

test("what .dockerignore names is not there, with exceptions, and <file>.dockerignore counts instead", async () => {
  const ignore = "# comment\n*.md\nsub\n!sub/deep\n.*\n";
  const context = await workshop.directory({ ...files, ".dockerignore": ignore, Dockerfile: "FROM scratch\nCOPY . /\n", "other.Dockerfile": "FROM scratch\nCOPY . /\n", "other.Dockerfile.dockerignore": "**/*.txt\n" });
  const names = async (dockerfile: string): Promise<string[]> => {
    const tar = join(context, "..", `ignored-${createHash("sha1").update(dockerfile).digest("hex")}.tar`);
    await workshop.build("", { context, dockerfile: join(context, dockerfile), outputs: [`type=tar,dest=${tar}`] });
    return spawnSync("tar", ["-tf", tar], { encoding: "utf8" }).stdout.split("\n").filter((name) => name !== "" && !name.endsWith("/")).toSorted();
  };
  assert.deepEqual(await names("Dockerfile"), ["Dockerfile", "a.txt", "b.txt", "other.Dockerfile", "other.Dockerfile.dockerignore", "sub/deep/e.txt"].toSorted());
  assert.deepEqual(await names("other.Dockerfile"), [".dockerignore", ".hidden", "Dockerfile", "c.md", "other.Dockerfile", "other.Dockerfile.dockerignore"].toSorted());
  await assert.rejects(workshop.build("FROM scratch\nCOPY c.md /\n", { context }), { code: "missing-input", message: /c\.md.*not found|excluded/ });
});

test("ADD of a URL is asked for in every build and fetched once", async () => {
  web.files.set("/dir/file.txt", "from the web\n");
  const dockerfile = `FROM scratch\nADD ${web.server.origin}/dir/file.txt /web/\n`;
  const first = await workshop.tree(dockerfile);
  assert.deepEqual([first.text("web/file.txt"), first.lines.at(-1)], ["from the web\n", "-rw------- 0/0 web/file.txt"]);
  const second = await workshop.build(dockerfile);
  assert.deepEqual(web.seen.splice(0), ["GET /dir/file.txt 200", "GET /dir/file.txt 304"]);
  assert.ok(second.cached.some((name) => name.includes("ADD")), second.cached.join("\n"));
  web.files.set("/dir/file.txt", "changed\n");
  assert.equal((await workshop.tree(dockerfile)).text("web/file.txt"), "changed\n");
  assert.deepEqual(web.seen.splice(0), ["GET /dir/file.txt 200"]);
});

test("ADD --checksum takes the right bytes, and refuses others", async () => {
  web.files.set("/sum", "summed");
  const digest = createHash("sha256").update("summed").digest("hex");
  const { text } = await workshop.tree(`FROM scratch\nADD --checksum=sha256:${digest} --chmod=755 --chown=3:4 ${web.server.origin}/sum /sum\n`);
  assert.equal(text("sum"), "summed");
  const wrong = await workshop.build(`FROM scratch\nADD --checksum=sha256:${"0".repeat(64)} ${web.server.origin}/sum /\n`).then(() => undefined, (error: unknown) => error as Error & { code: string; retryable: boolean });
  assert.deepEqual([wrong?.code, wrong?.retryable], ["corrupt", false]);
  assert.match(wrong?.message ?? "", new RegExp(`digest mismatch for .*/sum: sha256:${digest} \\(expected: sha256:0{64}\\)`));
});

test("ADD --checksum of a file that was never had, and of another algorithm, is refused in BuildKit's words", async () => {
  web.files.set("/never", "never had");
  const digest = createHash("sha256").update("never had").digest("hex");
  const refused = (checksum: string): Promise<void> => assert.rejects(workshop.build(`FROM scratch\nADD --checksum=${checksum} ${web.server.origin}/never /\n`), { code: "corrupt", message: new RegExp(`digest mismatch sha256:${digest}: ${checksum}$`) });
  await refused(`sha256:${"0".repeat(64)}`);
  await refused(`sha512:${createHash("sha512").update("never had").digest("hex")}`);
});

test("ADD of a URL that is not there, and of a server that is gone, say so", async () => {
  await assert.rejects(workshop.build(`FROM scratch\nADD ${web.server.origin}/absent /\n`), { code: "not-found", retryable: false, message: /failed to load cache key: invalid response status 404/ });
  const gone = await serve(() => undefined);
  await gone[Symbol.asyncDispose]();
  await assert.rejects(workshop.build(`FROM scratch\nADD ${gone.origin}/x /\n`), (error: Error & { retryable?: boolean }) => error.retryable === true);
});

test("ADD unpacks archives of the context, and leaves downloads as they are unless asked", async () => {
  const content = await workshop.directory({ "in/file": "packed\n" });
  for (const [flag, name] of [["-c", "t.tar"], ["-cz", "t.tar.gz"], ["-cJ", "t.tar.xz"], ["-cj", "t.tar.bz2"]] as const) assert.equal(spawnSync("tar", ["-C", content, flag, "-f", join(content, name), "in"]).status, 0);
  await mkdir(join(content, "plain"));
  await writeFile(join(content, "plain/no.tar"), "no archive");
  const { lines } = await workshop.tree("FROM scratch\nADD t.tar /tar/\nADD t.tar.gz /gz/\nADD t.tar.xz /xz/\nADD t.tar.bz2 /bz2/\nADD plain/no.tar /\nCOPY t.tar /kept.tar\n", { context: content });
  assert.deepEqual(lines.filter((line) => line.startsWith("-")).map((line) => line.split(" ").at(-1)), ["bz2/in/file", "gz/in/file", "kept.tar", "no.tar", "tar/in/file", "xz/in/file"]);
  web.files.set("/t.tar", spawnSync("tar", ["-C", content, "-c", "in"]).stdout);
  const remote = await workshop.tree(`FROM scratch\nADD ${web.server.origin}/t.tar /kept/\nADD --unpack ${web.server.origin}/t.tar /unpacked/\n`);
  assert.deepEqual(remote.lines.filter((line) => line.startsWith("-")).map((line) => line.split(" ").at(-1)), ["kept/t.tar", "unpacked/in/file"]);
});
