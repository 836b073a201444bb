import assert from "node:assert/strict";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { DOCKER_REGISTRY_USER, dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { startFakeRegistry } from "../../src/testing/fake-registry.ts";
import { openPlace, type HereOptions, type Place } from "./command.ts";
import { assertNothingRuns, assertNoWorkLeft } from "./nothing-left.ts";
import { BASE, contextWithBase, makeContext, runSkip } from "./small-base.ts";

let place: Place;
let context: string;
let root: string;

before(async () => {
  place = await openPlace();
  root = join(place.path, "state");
  context = await contextWithBase(place, "context", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a\n" });
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

interface Failure {
  readonly status: number;
  /** What the last line says. */
  readonly says: RegExp | string;
  /** What stands before it, where it matters. */
  readonly shows?: string;
}

/** The command fails as it should, in one message that is the end of standard error, and leaves nothing behind. */
async function fails(args: readonly string[], { status, says, shows }: Failure, options?: HereOptions): Promise<void> {
  const { exitCode, stdout, stderr } = await place.stemmaHere(args, options);
  assert.equal(exitCode, status, stderr);
  assert.equal(stdout, "");
  const last = stderr.trimEnd().split("\n").at(-1) ?? "";
  if (typeof says === "string") assert.equal(last, says);
  else assert.match(last, says);
  if (shows !== undefined) assert.ok(stderr.includes(shows), stderr);
  assert.doesNotMatch(stderr, /\n {4}at |bug in stemma|UnhandledPromiseRejection/);
  assert.equal(stderr.split("\n").filter((line) => line.startsWith("ERROR: ")).length, 1, stderr);
  await assertNothingRuns(place.path);
  assertNoWorkLeft(root);
}

/** A build of this Dockerfile. */
async function buildFails(dockerfile: string, failure: Failure, flags: readonly string[] = [], options: HereOptions = {}): Promise<void> {
  await fails(["build", "--root", root, "-f", "-", ...flags, context], failure, { ...options, input: dockerfile });
}

async function builds(dockerfile: string, flags: readonly string[] = [], options: HereOptions = {}): Promise<string> {
  const { exitCode, stderr } = await place.stemmaHere(["build", "--root", root, "-f", "-", ...flags, context], { ...options, input: dockerfile });
  assert.equal(exitCode, 0, stderr);
  return stderr;
}

describe("a builder", () => {
  const WARNED = /^WARNING: BUILDX_BUILDER names builder remote1, which is not used: .*--builder default/;

  test("that is this command by one of its names is taken, wherever it stands", async () => {
    for (const flags of [["--builder", "default"], ["--builder="], ["--builder=stemma"]]) assert.doesNotMatch(await builds("FROM scratch\nCOPY a /\n", flags), /WARNING: BUILDX/);
    for (const args of [["--builder", "default", "history", "ls"], ["du", "--builder="], ["prune", "-f", "--builder", "stemma", "--filter", "type=none"]]) {
      const { exitCode, stderr } = await place.stemmaHere([...args, "--root", root]);
      assert.deepEqual([exitCode, stderr], [0, ""], args.join(" "));
    }
  });

  test("that the environment names for other programs is told as not used, unless a flag settles it", async () => {
    const env = { BUILDX_BUILDER: "remote1" };
    assert.match(await builds("FROM scratch\nCOPY a /\n", [], { env }), WARNED);
    assert.doesNotMatch(await builds("FROM scratch\nCOPY a /\n", ["--builder", "default"], { env }), /BUILDX_BUILDER/);
    assert.doesNotMatch(await builds("FROM scratch\nCOPY a /\n", [], { env: { BUILDX_BUILDER: "default" } }), /BUILDX_BUILDER/);
    assert.match((await place.stemmaHere(["du", "--root", root], { env })).stderr, WARNED);
    assert.equal((await place.stemmaHere(["fsck", "--root", root], { env })).stderr, "");
  });
});

/** Nobody listens there: the port is reserved (RFC 6335: system ports), and nothing here serves it. */
const CLOSED = "127.0.0.1:1";

describe("the command line", () => {
  const rows: ReadonlyArray<readonly [title: string, args: (context: string) => readonly string[], status: number, says: RegExp]> = [
    ["an unknown flag", (dir) => ["build", "--nope", dir], 64, /^ERROR: unknown flag: --nope$/],
    ["a policy that is not there", (dir) => ["build", "--policy", "filename=x.rego", dir], 66, /^ERROR: .*policy file x\.rego not found: /],
    ["a policy that is none", (dir) => ["build", "--policy", "x.rego", dir], 64, /^ERROR: .*--policy: invalid value x\.rego: filename=PATH, /],
    ["a policy that is disabled, and another", (dir) => ["build", "--policy", "disabled=true,filename=x.rego", dir], 64, /^ERROR: .*disabled policy cannot be combined with other policy flags$/],
    ["another builder than this", (dir) => ["build", "--builder", "remote1", dir], 64, /^ERROR: --builder remote1: there are no builders beside this command, .* leave the flag out, or use default; `docker buildx` uses builder remote1$/],
    ["another builder before the command", () => ["--builder=remote1", "du"], 64, /^ERROR: --builder remote1: there are no builders/],
    ["a builder for what has none", () => ["--builder=default", "fsck"], 64, /^ERROR: unknown flag: --builder of fsck$/],
    ["a builder without its name", (dir) => ["build", dir, "--builder"], 64, /^ERROR: flag needs an argument: --builder$/],
    ["a flag without its value", (dir) => ["build", dir, "--tag"], 64, /^ERROR: flag needs an argument: --tag$/],
    ["no context", () => ["build"], 64, /^ERROR: a context is needed: stemma build \[flags\] DIRECTORY/],
    ["a context that is not there", () => ["build", "absent"], 66, /^ERROR: failed to build: unable to prepare context: path "\S+\/absent" not found: the context must be a directory that exists$/],
    ["a context that is a file", (dir) => ["build", join(dir, "a")], 66, /^ERROR: failed to build: \S+\/a is not a directory: give the directory, and a Dockerfile in it with -f$/],
    ["a Dockerfile that is no file", (dir) => ["build", "-f", dir, dir], 66, /^ERROR: failed to build: failed to read dockerfile: context is not a regular file: name one with -f$/],
    ["a context without a name", () => ["build", ""], 64, /^ERROR: please specify build context \(e\.g\. "\." for the current directory\)$/],
    ["a Dockerfile that is not there", (dir) => ["build", "-f", "absent", dir], 66, /^ERROR: failed to build: failed to read dockerfile: open \S+\/absent: no such file or directory: name it with -f/],
    ["a named context that is not there", (dir) => ["build", "--build-context", "x=absent", dir], 66, /^ERROR: failed to build: failed to get build context x: stat \S+\/absent: no such file or directory: /],
    ["a tag that is none", (dir) => ["build", "-t", "UPPER", dir], 64, /^ERROR: failed to build: invalid tag "UPPER": repository name must be lowercase$/],
    ["an output that is none", (dir) => ["build", "-o", "type=nope", dir], 64, /^ERROR: failed to build: --output type=nope: exporter "nope" could not be found: use image, /],
    ["a push without a name", (dir) => ["build", "--push", dir], 64, /^ERROR: failed to build: tag is needed when pushing to registry: give one with -t NAME:TAG$/],
    ["a platform that is none", (dir) => ["build", "--platform", "a/b/c/d", dir], 64, /^ERROR: failed to build: "a\/b\/c\/d": cannot parse platform specifier/],
    ["a secret's file that is not there", (dir) => ["build", "--secret", "id=x,src=absent", dir], 66, /^ERROR: failed to build: failed to stat absent: stat absent: no such file or directory$/],
    ["a file for the image ID that cannot be", (dir) => ["build", "--iidfile", "absent/iid", dir], 64, /^ERROR: --iidfile absent\/iid: there is no directory \S+\/absent: make it, or name another file$/],
  ];
  for (const [title, args, status, says] of rows) {
    test(`${title} is told, with status ${status}`, async () => fails(args(context), { status, says }, { env: { STEMMA_ROOT: root } }));
  }

  test("an unknown command is told with those that there are", async () => {
    const { exitCode, stderr } = await place.stemma(["frobnicate"]);
    assert.deepEqual([exitCode, stderr.startsWith('stemma: unknown command "frobnicate"; there is build, ')], [64, true]);
  });
});

describe("the Dockerfile", () => {
  test("one that does not parse is shown with the line", async () => {
    await buildFails("FROM scratch\nRUNN x\n", {
      status: 65, says: "ERROR: failed to build: failed to solve: dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)",
      shows: "Dockerfile:2\n--------------------\n   1 |     FROM scratch\n   2 | >>> RUNN x\n   3 |     \n--------------------\n",
    });
  });

  test("what was found in one that fails is told too", async () => {
    const shows = "\n 1 warning found (use docker --debug to expand):\n - FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)\n";
    await buildFails("FROM scratch as app\nEXPOSE 99999\n", { status: 65, says: "ERROR: failed to build: failed to solve: invalid containerPort: 99999", shows });
  });

  test("an empty one is told", async () => buildFails("\n# nothing\n", { status: 65, says: "ERROR: failed to build: failed to solve: file with no instructions" }));

  test("a target that is not in it is told", async () => {
    await buildFails("FROM scratch\nCOPY a /\n", { status: 65, says: 'ERROR: failed to build: failed to solve: target stage "nope" could not be found' }, ["--target", "nope"]);
  });

  test("a COPY of what is not there is shown with the step and the line", async () => {
    await buildFails("FROM scratch\nCOPY nope /x\n", {
      status: 66, says: /^ERROR: failed to build: failed to solve: failed to compute cache key: failed to calculate checksum of ref \S+::\S+: "\/nope": not found$/,
      shows: "------\n > [1/1] COPY nope /x:\n------\nDockerfile:2\n--------------------\n   1 |     FROM scratch\n   2 | >>> COPY nope /x\n   3 |     \n--------------------\n",
    });
  });

  test("a pattern that is none is told, and not as a bug", async () => buildFails("FROM scratch\nCOPY [a- /\n", { status: 65, says: /syntax error in pattern$/ }));
  test("a COPY into what is no directory is the step's failure", async () => buildFails("FROM scratch\nCOPY a /a\nCOPY a /a/b\n", { status: 67, says: /mkdir \/a: not a directory$/ }));

  test("an archive that ADD cannot unpack is told by name", async () => {
    const tar = await place.run(["tar", "-cf", join(context, "whole.tar"), "-C", context, "a"]).then(() => readFile(join(context, "whole.tar")));
    await writeFile(join(context, "cut.tar"), tar.subarray(0, 513));
    await buildFails("FROM scratch\nADD cut.tar /\n", { status: 66, says: /^ERROR: failed to build: failed to solve: \/cut\.tar cannot be unpacked: archive ends / });
  });

  test("bytes that are no text are told as such, and not as a bug", async () => {
    await writeFile(join(context, "binary.dockerfile"), Buffer.from(Array.from({ length: 2000 }, (_, i) => (i * 7919) % 256)));
    await fails(["build", "--root", root, "-f", join(context, "binary.dockerfile"), context], { status: 65, says: /^ERROR: failed to build: failed to solve: / });
  });
});

describe("a RUN that fails", { skip: runSkip }, () => {
  test("is shown with its output, its lines, its command and its exit code", async () => {
    await buildFails(`${BASE}RUN echo before && \\\n    echo to-stderr >&2 && \\\n    exit 7\n`, {
      status: 67, says: 'ERROR: failed to build: failed to solve: process "/bin/sh -c echo before &&     echo to-stderr >&2 &&     exit 7" did not complete successfully: exit code: 7',
      shows: `\n------\nDockerfile:4\n--------------------\n   3 |     ENV PATH=/bin\n   4 | >>> RUN echo before && \\\n   5 | >>>     echo to-stderr >&2 && \\\n   6 | >>>     exit 7\n   7 |     \n--------------------\n`,
    });
  });

  test("shows what it printed last", async () => {
    const run = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo out-$i; done; printf part; exit 3";
    await buildFails(`${BASE}RUN ${run}\n`, { status: 67, says: /exit code: 3$/, shows: `\n > [2/2] RUN ${run}:\n` });
    const { stderr } = await place.stemmaHere(["build", "--root", root, "-f", "-", context], { input: `${BASE}RUN ${run}\n` });
    const block = stderr.slice(stderr.indexOf("------\n > "), stderr.indexOf("Dockerfile:4"));
    const lines = block.split("\n").slice(2, -2).map((line) => line.replace(/^\d\.\d{3} /, "# "));
    assert.deepEqual(lines, [...Array.from({ length: 9 }, (_, i) => `# out-${i + 4}`), "# part"], block);
  });

  for (const sandbox of ["runc", "crun", "namespaces"]) {
    const missing = sandbox === "namespaces" || existsSync(`/usr/bin/${sandbox}`) || existsSync(`/usr/sbin/${sandbox}`) ? false : `${sandbox} is not installed`;
    test(`a command that the image does not have is the step's failure, in ${sandbox}`, { skip: missing }, async () => {
      await buildFails(`${BASE}RUN ["/no/such/command", "x"]\n`, {
        status: 67, says: /^ERROR: failed to build: failed to solve: process "\/no\/such\/command x" did not complete successfully: exit code: 1: .*\/no\/such\/command\b.*([Nn]o such file|not found)/,
        shows: '   4 | >>> RUN ["/no/such/command", "x"]\n',
      }, ["--sandbox", sandbox]);
    });
  }

  test("an image without a shell is told as such", async () => buildFails("FROM scratch\nRUN echo hi\n", { status: 67, says: /process "\/bin\/sh -c echo hi" did not complete successfully: .*\/bin\/sh/ }));
  test("a user that the image does not have is told by name", async () => buildFails(`${BASE}USER who\nRUN true\n`, { status: 71, says: 'ERROR: failed to build: failed to solve: process "/bin/sh -c true" did not complete successfully: unable to find user who: no matching entries in passwd file' }));
  test("a mount where the image has a file is told with the command that it is for", async () =>
    buildFails(`${BASE}RUN --mount=type=cache,target=/bin/sh/c true\n`, { status: 71, says: /^ERROR: failed to build: failed to solve: process "\/bin\/sh -c true" did not complete successfully: .*not? .*directory/i }));

  test("leaves the steps before it to the next build", async () => {
    await buildFails(`${BASE}RUN echo kept > /kept\nRUN false\n`, { status: 67, says: /exit code: 1$/ });
    assert.match(await builds(`${BASE}RUN echo kept > /kept\nRUN cat /kept\n`), /RUN echo kept > \/kept\n#\d+ CACHED/);
  });
});

describe("a base image", () => {
  test("that nobody has is told by name, with the line", { skip: dockerRegistrySkip }, async () => {
    await using registry = await startDockerRegistry();
    for (const name of [`${registry.host}/no/such:1`, `${registry.host}/no/such:1@sha512:${"a".repeat(128)}`]) {
      await buildFails(`FROM ${name}\n`, {
        status: 69, says: `ERROR: failed to build: failed to solve: ${name}: failed to resolve source metadata for ${name}: ${name}: not found`,
        shows: `------\n > [internal] load metadata for ${name}:\n------\nDockerfile:1\n--------------------\n   1 | >>> FROM ${name}\n   2 |     \n--------------------\n`,
      });
    }
  });

  test("whose registry is not reached is worth another try, and the message says what to change", async () => {
    await buildFails(`FROM ${CLOSED}/x:1\n`, { status: 75, says: /failed to resolve source metadata for 127\.0\.0\.1:1\/x:1: .*ECONNREFUSED.*is it up.*HTTPS_PROXY.*mirrors = \["…"\] under \[registry\."127\.0\.0\.1:1"\] in \S+stemma\.toml$/ });
  });

  test("whose registry's name does not exist is told the same way", async () => {
    await buildFails("FROM registry.invalid/x:1\n", { status: 75, says: /registry\.invalid.*is it up/ });
  });

  test("of a registry that counts requests names the limit and what raises it", async () => {
    await using registry = await startFakeRegistry();
    registry.intercept = (_request, response) => {
      response.writeHead(429, { "ratelimit-limit": "100;w=21600" }).end();
      return true;
    };
    await buildFails(`FROM ${registry.host}/x:1\n`, { status: 75, says: /has had too many requests from us, asking as nobody \(limit 100;w=21600\); "stemma login 127\.0\.0\.1:\d+" often raises the limit, and mirrors = / });
  });

  test("whose layer is not the one that its manifest names is refused", async () => {
    await using registry = await startFakeRegistry();
    const config = registry.addBlob("x", Buffer.from(JSON.stringify({ architecture: process.arch === "x64" ? "amd64" : process.arch, os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [`sha256:${"1".repeat(64)}`] } })));
    const layer = registry.addBlob("x", Buffer.from("no tar, and no gzip"));
    registry.addManifest("x", {
      schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...layer }],
    }, "1");
    await buildFails(`FROM ${registry.host}/x:1\nCOPY a /etc/a\nCOPY --from=${registry.host}/x:1 /f /f\n`, {
      status: 69, says: /^ERROR: failed to build: failed to solve: layer sha256:[0-9a-f]{64} of 127\.0\.0\.1:\d+\/x is no good archive: archive ends within a header$/,
    });
  });
});

describe("a login that is refused", { skip: dockerRegistrySkip }, () => {
  let registry: DockerRegistry;
  before(async () => void (registry = await startDockerRegistry({ auth: "basic" })));
  after(() => registry[Symbol.asyncDispose]());

  const auth = (username: string, password: string): string => Buffer.from(`${username}:${password}`).toString("base64");
  const config = (entry: string): string => JSON.stringify({ auths: { [registry.host]: { auth: entry } } });

  test("without credentials names the registry, where they were looked for, and the command that stores some", async () => {
    await buildFails(`FROM ${registry.host}/x:1\n`, {
      status: 77, says: new RegExp(`failed to resolve source metadata for ${registry.host}/x:1: .*${registry.host} asks for a login .*no credentials for ${registry.host} in ${place.path}/\\.docker/config\\.json; "stemma login ${registry.host}" stores some$`),
    });
  });

  test("with a wrong password names the user and the file that it is from", async () => {
    await mkdir(join(place.path, "wrong"));
    await writeFile(join(place.path, "wrong/config.json"), config(auth("alice", "guess-1")));
    const says = new RegExp(`${registry.host} does not let user "alice" \\(from ${place.path}/wrong/config\\.json\\) do this .*"stemma login ${registry.host}"$`);
    await buildFails("FROM scratch\nCOPY a /\n", { status: 77, says }, ["--push", "-t", `${registry.host}/y:1`], { env: { DOCKER_CONFIG: join(place.path, "wrong") } });
  });

  test("tells the setting where the file cannot be read", async () => {
    await mkdir(join(place.path, "broken"));
    await writeFile(join(place.path, "broken/config.json"), "{ no json");
    await buildFails(`FROM ${registry.host}/x:1\n`, { status: 77, says: new RegExp(`${place.path}/broken/config\\.json`) }, [], { env: { DOCKER_CONFIG: join(place.path, "broken") } });
  });

  test("is none with the right one, and the password is in no message, file or tag", async () => {
    const { username, password } = DOCKER_REGISTRY_USER;
    const env = { DOCKER_AUTH_CONFIG: config(auth(username, password)) };
    const log = await builds("FROM scratch\nCOPY a /\n", ["--push", "-t", `${registry.host}/z:1`, "--metadata-file", join(place.path, "metadata.json")], { env });
    assert.ok(!log.includes(auth(username, password)));
    assert.ok(!(await readFile(join(place.path, "metadata.json"), "utf8")).includes(password));
    const answer = await fetch(`http://${registry.host}/v2/y/tags/list`, { headers: { authorization: `Basic ${auth(username, password)}` } });
    assert.equal(answer.status, 404, "the refused push left a repository");
  });
});

describe("an output", () => {
  test("into a file whose place does not allow it is told, and the build is not lost", async () => {
    await writeFile(join(place.path, "file"), "");
    await buildFails("FROM scratch\nCOPY a /\n", { status: 74, says: /^ERROR: failed to build: .*\/file.*/ }, ["-o", `type=oci,dest=${join(place.path, "file/x.tar")}`]);
    assert.match(await builds("FROM scratch\nCOPY a /\n"), /COPY a \/\n#\d+ CACHED/);
  });

  for (const output of ["type=oci,dest=/proc/no/such.tar", "type=oci,tar=false,dest=/proc/no/layout", "type=local,dest=/proc/no"]) {
    test(`where no directory can be made is told, and ends: ${output}`, async () => {
      await buildFails("FROM scratch\nCOPY a /\n", { status: 74, says: /^ERROR: failed to build: failed to solve: output to \/proc\/no.*: ENOENT: no such file or directory, mkdir '\/proc\/no'$/ }, ["-o", output]);
    });
  }

  test("whose reader goes away ends the command without a word of bugs", async () => {
    const wrapper = ["sh", "-c", '"$@" | head -c 10 | wc -c', "sh"];
    const { stdout, stderr } = await place.stemma(["build", "--root", root, "-o", "-", context], { wrapper });
    assert.deepEqual([stdout.trim(), /ERROR|\n {4}at /.test(stderr)], ["10", false]);
  });

  test("is whole though nobody reads what the build tells", async () => {
    const tar = join(place.path, "unheard.tar");
    const wrapper = ["sh", "-c", '{ "$@"; echo "status $?" >&3; } 3>&1 2>&1 >/dev/null | head -c 1 >/dev/null', "sh"];
    await place.stemma(["build", "--root", root, "--no-cache", "-o", `type=tar,dest=${tar}`, context], { wrapper });
    assert.equal(await place.run(["tar", "-tf", tar]), "a\n");
  });
});

describe("state", () => {
  test("in a place that cannot be written is told with what to change", async () => {
    await writeFile(join(place.path, "no-directory"), "");
    await fails(["build", "--root", join(place.path, "no-directory"), context], { status: 74, says: /^ERROR: failed to build: .*no-directory.*: something else is there; give another path$/ });
    await fails(["build", "--root", "/proc/no/state", context], { status: 74, says: /^ERROR: failed to build: ENOENT: no such file or directory, mkdir '\/proc\/no': make its directory, or give another path$/ });
  });

  test("that is damaged is told with what to do", async () => {
    const damaged = join(place.path, "damaged");
    await mkdir(damaged);
    await writeFile(join(damaged, "state.db"), "x".repeat(8192));
    await fails(["build", "--root", damaged, context], { status: 74, says: /state\.db: file is not a database: it is damaged; remove it .*--root$/ });
  });

  test("behind a link serves a RUN with mounts as well as any other", { skip: runSkip }, async () => {
    await mkdir(join(place.path, "elsewhere"));
    await symlink(join(place.path, "elsewhere"), join(place.path, "link"));
    const { exitCode, stderr } = await place.stemmaHere(["build", "--root", join(place.path, "link/state"), "--secret", "id=a", "-f", "-", context], {
      input: `${BASE}RUN --mount=type=secret,id=a --mount=type=cache,target=/c cat /run/secrets/a > /c/a\n`, env: { a: "secret" },
    });
    assert.equal(exitCode, 0, stderr);
    assertNoWorkLeft(join(place.path, "link/state"));
  });

  test("inside the context is no part of it", async () => {
    const inside = await makeContext(place, "inside", { Dockerfile: "FROM scratch\nCOPY . /\n", a: "a" });
    const tar = join(place.path, "inside.tar");
    for (const flags of [[], ["--no-cache"]]) {
      const { exitCode, stderr } = await place.stemmaHere(["build", "--root", join(inside, ".stemma"), "-o", `type=tar,dest=${tar}`, ...flags, inside]);
      assert.equal(exitCode, 0, stderr);
      assert.equal(await place.run(["tar", "-tf", tar]), "Dockerfile\na\n");
    }
    // Under another name, and by a link, it is the same place.
    await symlink(inside, join(place.path, "linked"));
    const { stderr } = await place.stemmaHere(["build", "--root", join(place.path, "linked/.stemma"), inside]);
    assert.match(stderr, /COPY \. \/\n#\d+ CACHED/);
  });
});

test("contexts with the same names, sizes and times but other bytes give other images", async () => {
  const images = await Promise.all(["one", "two"].map(async (name) => {
    const directory = await makeContext(place, name, { Dockerfile: "FROM scratch\nCOPY a /\n", a: name });
    await place.run(["touch", "-d", "2020-01-01T00:00:00Z", join(directory, "a"), join(directory, "Dockerfile"), directory]);
    const iid = join(place.path, `${name}.iid`);
    const { exitCode, stderr } = await place.stemmaHere(["build", "--root", root, "--iidfile", iid, "-o", "type=image", directory]);
    assert.equal(exitCode, 0, stderr);
    return await readFile(iid, "utf8");
  }));
  assert.notEqual(images[0], images[1]);
});

test("the image ID of an earlier build is gone when a build fails", async () => {
  const directory = await makeContext(place, "stale", { Dockerfile: "FROM scratch\nCOPY absent /\n" });
  const iid = join(place.path, "stale.iid");
  await writeFile(iid, "sha256:earlier");
  const { exitCode } = await place.stemmaHere(["build", "--root", root, "--iidfile", iid, "-o", "type=image", directory]);
  assert.notEqual(exitCode, 0);
  await assert.rejects(readFile(iid), { code: "ENOENT" });
  const refused = await place.stemmaHere(["build", "--root", root, "--iidfile", directory, "-o", "type=image", directory]);
  assert.match(refused.stderr, /^ERROR: removing image ID file: remove \S+\/stale: is a directory$/m);
  assert.equal(refused.exitCode, 64);
});

test("--quiet goes with no other progress", async () => {
  const directory = await makeContext(place, "quiet-plain", { Dockerfile: "FROM scratch\n" });
  const { exitCode, stderr } = await place.stemmaHere(["build", "--root", root, "-q", "--progress=plain", directory]);
  assert.equal(stderr, "ERROR: progress=plain and quiet cannot be used together\n");
  assert.equal(exitCode, 64);
});

test("a file whose bytes change without its size and time is seen in the next build", async () => {
  const directory = await makeContext(place, "rewritten", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "one" });
  const tar = join(place.path, "rewritten.tar");
  for (const text of ["one", "two"]) {
    await writeFile(join(directory, "a"), text);
    await place.run(["touch", "-d", "2020-01-01T00:00:00Z", join(directory, "a")]);
    const { exitCode, stderr } = await place.stemmaHere(["build", "--root", root, "-o", `type=tar,dest=${tar}`, directory]);
    assert.equal(exitCode, 0, stderr);
    assert.equal(await place.run(["tar", "-xOf", tar, "a"]), text);
  }
});

test("a file of the context that cannot be read is named", { skip: process.geteuid?.() === 0 ? false : "needs root, to become another" }, async () => {
  const directory = await makeContext(place, "unreadable", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
  await chmod(join(directory, "a"), 0);
  await chmod(place.path, 0o755);
  const own = join(place.path, "nobody");
  await mkdir(own);
  await place.run(["chown", "65534:65534", own]);
  const { exitCode, stderr } = await place.stemma(["build", "--root", join(own, "state"), directory], { wrapper: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], env: { HOME: own } });
  assert.match(stderr, /\nERROR: failed to build: .*\/a: permission denied\n$/);
  assert.equal(exitCode, 66);
});
